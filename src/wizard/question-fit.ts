/** What of a question stands in a window of few rows: what is asked and the field first, then why, then what was answered before, then empty lines. */
export interface QuestionParts {
  /** Lines answered on this screen before. */
  answered: number;
  why: number;
  /** Title, field, and what is wrong or worth knowing: always there. */
  must: number;
}

export interface QuestionFit {
  /** Not even what always stands there fits. */
  low: boolean;
  why: boolean;
  /** An empty line above the field. */
  gap: boolean;
  /** The newest so many. */
  answered: number;
  /** Empty lines below the rail and above the keys. */
  margins: boolean;
}

export const ALL_FITS: QuestionFit = {
  low: false,
  why: true,
  gap: true,
  answered: Number.POSITIVE_INFINITY,
  margins: true,
};

/** @param height of everything between the rail and the keys */
export function fitQuestion({ answered, why, must }: QuestionParts, height: number): QuestionFit {
  let left = height - must;
  const takes = (lines: number): boolean => {
    if (lines > left) return false;
    left -= lines;
    return true;
  };
  const hasWhy = takes(why);
  const gap = takes(1);
  const shown = Math.max(0, Math.min(answered, left));
  left -= shown;
  return { low: must > height, why: hasWhy, gap, answered: shown, margins: takes(2) };
}
