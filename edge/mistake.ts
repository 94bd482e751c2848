/** The user's mistake: one sentence that says what was expected. The command line prints it and exits 2. */
export class Mistake extends Error {
	override readonly name = "Mistake";
}
