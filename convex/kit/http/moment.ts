/** Where and when an answer is given. */
export type AnswerMoment = { now: number; origin: string };
