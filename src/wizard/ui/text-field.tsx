/** The wizard's line of text: ink-text-input, kept from taking control keys for letters. */
import { useInput } from 'ink';
import TextInput from 'ink-text-input';
import { useRef } from 'react';

export interface TextFieldProps {
  value: string;
  placeholder: string;
  mask: boolean;
  onChange(value: string): void;
}

/**
 * ink-text-input would write a "b" for Ctrl-B. The guard stands before it in the tree, so its handler runs first and tells
 * which change came from a control key. Both are mounted together; give the field a new `key` to set its content.
 */
export function TextField({ value, placeholder, mask, onChange }: TextFieldProps) {
  const control = useRef(false);
  return (
    <>
      <KeyGuard onKey={(isControl) => (control.current = isControl)} />
      <TextInput
        value={value}
        placeholder={placeholder}
        {...(mask ? { mask: '•' } : {})}
        onChange={(next) => {
          if (!control.current) onChange(next);
        }}
      />
    </>
  );
}

function KeyGuard({ onKey }: { onKey(isControl: boolean): void }) {
  useInput((_, key) => onKey(key.ctrl || key.meta || key.escape));
  return null;
}
