import { z } from 'zod';
import {
  choiceSetting,
  ConfigError,
  describeSettings,
  flagSetting,
  integerSetting,
  loadConfig,
  textSetting,
} from '.';

const schema = z.object({
  PORT: integerSetting({ default: 3000, min: 1, max: 65_535, unit: 'port', description: 'Where it listens' }),
  DOCS: flagSetting({ default: false, description: 'Serve the docs' }),
  MODE: choiceSetting({ choices: ['single', 'cluster'], default: 'single', description: 'Topology' }),
  SECRET: textSetting({ default: '', unit: 'text', description: 'A secret' }).refine(
    (secret) => secret === '' || secret.length >= 32,
    'must have at least 32 characters',
  ),
});

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(schema, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
  }
  return [];
}

describe('loadConfig', () => {
  it('fills in defaults, also for variables left empty', () => {
    const defaults = { PORT: 3000, DOCS: false, MODE: 'single', SECRET: '' };

    expect(loadConfig(schema, {})).toEqual(defaults);
    expect(loadConfig(schema, { PORT: '', DOCS: '', MODE: '', OTHER: 'x' })).toEqual(defaults);
  });

  it('parses what is given', () => {
    expect(loadConfig(schema, { PORT: '8080', DOCS: '1', MODE: 'cluster' })).toMatchObject({
      PORT: 8080,
      DOCS: true,
      MODE: 'cluster',
    });
  });

  it('names every wrong variable and shows no value', () => {
    const problems = problemsOf({ PORT: '70000', DOCS: 'yes', MODE: 'triple', SECRET: 'hunter2' });

    expect(problems.map((problem) => problem.split(':')[0])).toEqual(['PORT', 'DOCS', 'MODE', 'SECRET']);
    expect(problems.join()).not.toMatch(/70000|yes|triple|hunter2/);
  });

  it.each(['1e3', '80 ', '0x50', '3000.5', '-1'])('takes no port from %j', (PORT) => {
    expect(problemsOf({ PORT })).toHaveLength(1);
  });
});

describe('describeSettings', () => {
  it('has a default, a unit and a description of each', () => {
    expect(describeSettings(schema)[0]).toEqual({
      name: 'PORT',
      default: '3000',
      unit: 'port',
      description: 'Where it listens',
    });
  });
});
