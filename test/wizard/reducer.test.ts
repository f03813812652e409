import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultConfig } from '../../src/config/fields.ts';
import { fileProblems } from '../../src/config/validate.ts';
import { configOfAnswers } from '../../src/wizard/config-answers.ts';
import { askedQuestions } from '../../src/wizard/context.ts';
import { contextOfState } from '../../src/wizard/navigate.ts';
import { QUESTIONS } from '../../src/wizard/questions/all.ts';
import { wizardReducer } from '../../src/wizard/reducer.ts';
import { initialState, type WizardEvent } from '../../src/wizard/state.ts';
import { Driver, testFacts, WORDS } from './fixtures.ts';

const GIB = 2 ** 30;

describe('defaults by Enter only', () => {
  it('asks everything once and ends in a valid configuration', () => {
    const driver = new Driver().toReview();
    expect(driver.state.answers).toEqual({});
    const config = configOfAnswers(contextOfState(driver.state));
    const expected = defaultConfig({ name: 'alpha', dataDir: '/data/datamesh' });
    // Half of the 60 GiB that are free.
    expect(config).toEqual({ ...expected, storage: { quotaBytes: 30 * GIB, reservePercent: 10 } });
    expect(fileProblems(config as never)).toEqual([]);
    driver.enter();
    expect(driver.effects.at(-1)).toEqual({ type: 'write' });
    expect(driver.state.busy).toBe('writing');
  });

  it('passes even the check of the words, with a second Enter', () => {
    const driver = new Driver().to('word-one').enter();
    expect(driver.state.problem).toContain('once more');
    expect(driver.enter().state.question).toBe('word-two');
    expect(driver.enter(2).state.question).toBe('passphrase');
  });

  it('shows nothing to be written before the end', () => {
    const driver = new Driver().toReview();
    expect(driver.effects.filter(({ type }) => type === 'write' || type === 'save-answers')).toEqual([]);
  });
});

describe('going back', () => {
  it('D.9-2 keeps answers, forward again too', () => {
    const driver = new Driver()
      .to('name')
      .type('beta')
      .enter()
      .to('network')
      .send({ type: 'move', by: 1 })
      .enter();
    driver.to('up').type('2MiB/s').enter();
    while (driver.state.question !== 'name') driver.send({ type: 'back' });
    expect(driver.state.draft).toBe('beta');
    driver.toReview();
    expect(driver.state.answers).toEqual({ name: 'beta', network: 'lan', up: '2MiB/s' });
  });

  it('from the first question leads to the welcome, from the review to the last question', () => {
    const driver = new Driver().to('name').send({ type: 'back' });
    expect(driver.state.screen).toBe('preflight');
    expect(new Driver().toReview().send({ type: 'back' }).state.question).toBe('history');
  });

  it('recomputes defaults that nobody touched, and leaves the others', () => {
    const driver = new Driver().to('role').send({ type: 'char', char: 'b' }).enter().to('listen');
    expect(driver.value('listen')).toBe('40871');
    while (driver.state.question !== 'role') driver.send({ type: 'back' });
    driver.send({ type: 'char', char: 'r' }).enter().to('listen');
    expect(driver.value('listen')).toBe('auto');
    driver.type('5000').enter();
    while (driver.state.question !== 'role') driver.send({ type: 'back' });
    driver.send({ type: 'char', char: 'b' }).enter();
    expect(driver.value('listen')).toBe('5000');
  });

  it('a "<" in an empty field goes back, a "?" explains', () => {
    const driver = new Driver().to('data-dir').type('<');
    expect(driver.state.question).toBe('name');
    driver.type('?');
    expect(driver.state.explain).toBe(true);
    expect(driver.enter().state).toMatchObject({ explain: false, question: 'name', draft: '' });
    expect(driver.type('a').type('a?').state.draft).toBe('a?');
  });

  it('a question mark may begin a passphrase', () => {
    expect(new Driver().to('passphrase').type('?').state).toMatchObject({ draft: '?', explain: false });
  });
});

describe('invalid values stay', () => {
  it.each([
    ['name', 'Not Valid', 'lower-case'],
    ['data-dir', 'relative', 'absolute'],
    ['reserve', '95', 'from 0 to 90'],
    ['quota', '61GiB', 'only 50 GiB can be offered'],
    ['quota', 'much', 'a size such as'],
    ['listen', '70000', 'from 1 to 65535'],
    ['listen', '0', 'from 1 to 65535'],
    ['bootstrap', '10.0.0.1:4001', 'is not an address'],
    ['up', 'fast', 'a rate such as'],
    ['allow', 'me', 'neither an owner id'],
    ['passphrase', 'password', 'too easy to guess'],
  ])('%s = %s', (question, value, problem) => {
    const driver = new Driver().to(question).type(value).enter();
    expect(driver.state.question).toBe(question);
    expect(driver.state.problem).toContain(problem);
    expect(driver.state.draft).toBe(value);
    expect(driver.state.answers[question]).toBeUndefined();
    // Typing on takes the message away.
    expect(driver.type(`${value}x`).state.problem).toBeUndefined();
  });

  it('D.9-3 k not below n', () => {
    const driver = new Driver().to('redundancy').send({ type: 'char', char: 'c' }).enter();
    driver.type('8').enter().type('8').enter();
    expect(driver.state).toMatchObject({ question: 'n', problem: 'n must be larger than k, which is 8' });
    driver.type('12').enter().toReview();
    expect(configOfAnswers(contextOfState(driver.state)).redundancy).toEqual({ k: 8, m: 4 });
  });

  it('a wrong word, until it is right', () => {
    const driver = new Driver().to('word-one').type('wrong').enter();
    expect(driver.state.problem).toContain('not word 5');
    expect(driver.type(` ${WORDS[4]!.toUpperCase()} `).enter().state.question).toBe('word-two');
  });

  it('passphrases that differ', () => {
    const driver = new Driver().to('passphrase').type('correct horse battery staple').enter();
    expect(driver.type('correct horse').enter().state.problem).toContain('not the same');
    expect(driver.type('correct horse battery staple').enter().state.question).toBe('reserve');
    expect(JSON.stringify(driver.state.answers)).not.toContain('horse');
  });

  it('a phrase of the owner, checked word by word', () => {
    const driver = new Driver().to('identity').send({ type: 'char', char: 'p' }).enter();
    expect(driver.state.question).toBe('phrase');
    driver.type(WORDS.slice(1).join(' ')).enter();
    expect(driver.state.problem).toContain('has 23 words');
    driver.type(WORDS.join(' ')).enter();
    expect(driver.state.question).toBe('passphrase');
    expect(driver.state.answers).toEqual({ identity: 'phrase' });
  });
});

describe('checks of the machine', () => {
  it('stay at a folder that cannot be used', () => {
    const driver = new Driver();
    driver.results['data-dir'] = { problem: 'it holds other files' };
    driver.to('data-dir').enter(2);
    expect(driver.state).toMatchObject({
      question: 'data-dir',
      problem: 'it holds other files',
      busy: undefined,
    });
  });

  it('warn of nodes that do not answer, and a second Enter goes on', () => {
    const driver = new Driver();
    driver.results.bootstrap = { problem: '1 of 1 did not answer', note: '✖ refused' };
    driver.to('bootstrap').type('/ip4/10.0.0.1/tcp/1').enter();
    expect(driver.state.problem).toContain('press Enter once more');
    expect(driver.enter().state).toMatchObject({ question: 'up', notes: { bootstrap: '✖ refused' } });
    expect(driver.value('bootstrap')).toBe('/ip4/10.0.0.1/tcp/1');
  });

  it('do not arm the next question, nor a changed answer', () => {
    const driver = new Driver();
    driver.results.bootstrap = { problem: 'no answer' };
    driver.to('bootstrap').type('/ip4/10.0.0.1/tcp/1').enter().type('/ip4/10.0.0.1/tcp/2').enter();
    expect(driver.state.question).toBe('bootstrap');
    expect(driver.effects.filter(({ type }) => type === 'check').length).toBeGreaterThan(2);
  });

  it('take new facts of another folder into the defaults', () => {
    const driver = new Driver().to('data-dir').type('/small');
    const { state } = wizardReducer(driver.state, { type: 'enter' });
    const disk = { freeBytes: 4 * GIB, totalBytes: 8 * GIB, kind: 'local', keys: ['main'] } as const;
    driver.state = wizardReducer(state, {
      type: 'checked',
      question: 'data-dir',
      disk: { ...disk, keys: [...disk.keys] },
    }).state;
    expect(driver.value('quota')).toBe('2 GiB');
    // Its keyring has a key: keeping it is now the default, and no phrase is made.
    expect(driver.value('identity')).toBe('keep');
    expect(askedQuestions(contextOfState(driver.state)).map(({ id }) => id)).not.toContain('show-phrase');
  });

  it('stop at a fatal preflight and look again', () => {
    const driver = new Driver(
      testFacts({ preflight: [{ label: 'Node.js', state: 'fail', detail: 'old' }] }),
    ).enter();
    expect(driver.state.screen).toBe('preflight');
    expect(driver.effects).toEqual([{ type: 'preflight' }]);
    driver.send({ type: 'preflight', items: [{ label: 'Node.js', state: 'ok', detail: 'new' }] }).enter();
    expect(driver.state.question).toBe('name');
  });
});

describe('review', () => {
  it('D.9-4 edits one line and comes back', () => {
    const driver = new Driver()
      .toReview()
      .send(...[...'e 1'].map((char): WizardEvent => ({ type: 'char', char })))
      .enter();
    expect(driver.state.question).toBe('name');
    driver.type('beta').enter();
    expect(driver.state.screen).toBe('review');
    expect(driver.value('name')).toBe('beta');
  });

  it('asks what an edit brings up, and only that', () => {
    const driver = new Driver().toReview();
    driver.state = { ...driver.state, command: '' };
    const number =
      askedQuestions(contextOfState(driver.state))
        .filter(({ kind }) => kind !== 'show' && kind !== 'confirm')
        .filter(({ id }) => id !== 'passphrase-again')
        .findIndex(({ id }) => id === 'redundancy') + 1;
    driver.send(...[...String(number)].map((char): WizardEvent => ({ type: 'char', char }))).enter();
    expect(driver.state.question).toBe('redundancy');
    driver.send({ type: 'char', char: 'c' }).enter();
    expect(driver.state.question).toBe('k');
    driver.enter();
    expect(driver.state.question).toBe('n');
    expect(driver.enter().state.screen).toBe('review');
  });

  it('says what to type when it was no line', () => {
    const driver = new Driver().toReview().send({ type: 'char', char: 'x' }).enter();
    expect(driver.state).toMatchObject({ screen: 'review', command: '' });
    expect(driver.state.problem).toContain('number of a line');
  });

  it('goes to what is missing instead of writing', () => {
    const driver = new Driver().to('identity').send({ type: 'char', char: 'p' }).enter();
    driver.send({ type: 'review' });
    expect(driver.state.screen).toBe('review');
    driver.enter();
    expect(driver.state).toMatchObject({ question: 'phrase', screen: 'identity' });
    expect(driver.state.problem).toContain('0 words');
    expect(driver.effects.filter(({ type }) => type === 'write')).toEqual([]);
    driver.type(WORDS.join(' ')).enter().enter();
    expect(driver.effects.at(-1)).toEqual({ type: 'write' });
  });

  it('saves the answers alone', () => {
    const driver = new Driver().toReview().send({ type: 'move', by: 1 }, { type: 'move', by: 1 }).enter();
    expect(driver.effects.at(-1)).toEqual({ type: 'save-answers' });
    expect(driver.send({ type: 'answers-saved', path: '/a' }).state.outcome).toBe('answers-saved');
  });

  it('shows a failure to write and lets one try again', () => {
    const driver = new Driver().toReview().enter().send({ type: 'failed', problem: 'disk full' });
    expect(driver.state).toMatchObject({ screen: 'review', problem: 'disk full', busy: undefined });
    driver.enter();
    expect(driver.effects.filter(({ type }) => type === 'write')).toHaveLength(2);
  });
});

describe('leaving', () => {
  it.each(
    QUESTIONS.filter((question) => question.flagOnly !== true && question.asked === undefined).map(
      ({ id }) => id,
    ),
  )('from %s asks first, and writes nothing', (id) => {
    const driver = new Driver().to(id).send({ type: 'escape' });
    expect(driver.state.leaving).toBe(true);
    expect(driver.enter().state).toMatchObject({ leaving: false, question: id, outcome: 'running' });
    driver.send({ type: 'interrupt' }, { type: 'interrupt' });
    expect(driver.state.outcome).toBe('left');
    expect(driver.effects.some(({ type }) => type === 'write')).toBe(false);
  });

  it('waits for files that are just being written', () => {
    const driver = new Driver().toReview().enter().send({ type: 'interrupt' }, { type: 'interrupt' });
    expect(driver.state).toMatchObject({ busy: 'writing', outcome: 'running' });
  });

  it('"y" leaves; nothing is taken afterwards', () => {
    const driver = new Driver().to('name').send({ type: 'escape' }, { type: 'char', char: 'y' });
    expect(driver.state.outcome).toBe('left');
    const { state } = driver;
    expect(driver.enter().type('x').state).toBe(state);
  });
});

describe('editing a configuration that is there', () => {
  const existing = {
    ...defaultConfig({ name: 'old', dataDir: '/data/datamesh' }),
    redundancy: { k: 3, m: 3 },
    reads: { cacheBytes: 12_345_678, cacheSeconds: 7 },
  };

  it('has its values as defaults', () => {
    const driver = new Driver(testFacts({ existing })).toReview();
    expect(driver.value('name')).toBe('old');
    expect(driver.value('redundancy')).toBe('custom');
    // The quota is larger than what is free: the node may be using it.
    expect(configOfAnswers(contextOfState(driver.state))).toEqual(existing);
  });

  it('"-" empties what has a value', () => {
    const address = '/ip4/10.0.0.1/tcp/1';
    const joined = { ...existing, network: { ...existing.network, bootstrap: [address] } };
    const driver = new Driver(testFacts({ existing: joined })).to('bootstrap');
    expect(driver.value('bootstrap')).toBe(address);
    driver.type('-').enter();
    expect(driver.value('bootstrap')).toBe('');
    expect(driver.state.question).toBe('up');
  });
});

it('no sequence of keys breaks it', () => {
  const event = fc.oneof(
    { weight: 6, arbitrary: fc.constant<WizardEvent>({ type: 'enter' }) },
    fc.constantFrom<WizardEvent>(
      { type: 'back' },
      { type: 'review' },
      { type: 'explain' },
      { type: 'escape' },
      { type: 'clear' },
      { type: 'erase' },
    ),
    fc.constantFrom<WizardEvent>({ type: 'move', by: 1 }, { type: 'move', by: -1 }),
    fc.string({ maxLength: 3 }).map((text): WizardEvent => ({ type: 'char', char: text[0] ?? 'x' })),
    fc.string({ maxLength: 12 }).map((value): WizardEvent => ({ type: 'text', question: 'TYPED', value })),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 120 }), (events) => {
      const driver = new Driver();
      for (const each of events) {
        driver.send(each.type === 'text' ? { ...each, question: driver.state.question ?? '' } : each);
        const ids = askedQuestions(contextOfState(driver.state)).map(({ id }) => id);
        if (driver.state.question !== undefined) expect(ids).toContain(driver.state.question);
        // Only what passed its check is ever kept.
        for (const [id, text] of Object.entries(driver.state.answers)) {
          expect(
            QUESTIONS.find((question) => question.id === id),
            `${id}=${text}`,
          ).toBeDefined();
        }
      }
    }),
    { numRuns: 60 },
  );
});

it('starts at the welcome', () => {
  expect(initialState(testFacts())).toMatchObject({
    screen: 'preflight',
    question: undefined,
  });
});
