import tseslint from 'typescript-eslint';

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'coverage/',
      '.stack/',
      'test/grouped/',
      '**/*.cjs',
      '**/*.mjs',
      'libs/gate/src/scripts.generated.ts',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        project: ['./tsconfig.json', './apps/web/waiting-room/tsconfig.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      eqeqeq: 'error',
      'max-lines': ['error', { max: 400 }],
      'max-params': ['error', 4],
      'no-console': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      // Nest declares the options of NestFactory as classes and means plain objects.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // Nest modules are classes without members.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
    },
  },
  {
    // Nest's own constructors are where more than four collaborators meet.
    files: ['**/*.controller.ts', '**/*.route.ts', '**/*.handler.ts', '**/*.service.ts', '**/*.module.ts'],
    rules: { 'max-params': ['error', 7] },
  },
  {
    files: ['**/*.spec.ts', 'test/**', 'libs/testing/**'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off', '@typescript-eslint/unbound-method': 'off' },
  },
);
