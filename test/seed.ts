/** The seed of this run's randomised tests; they say it in their names. `SEED=… npm test` repeats a run. */
export const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
