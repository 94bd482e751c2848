import { expand, type Observable, type OperatorFunction, of, skip } from "rxjs";
import type { Inferred, Knowledge, Round } from "./types.js";

/** Carries the knowledge round: the next batch is asked for when the last round has ended, and only then. */
export const rounds = (start: Knowledge, round: OperatorFunction<Round, Inferred>): Observable<Inferred> =>
	of<Round>({ knowledge: start }).pipe(
		expand(({ knowledge }) => of({ knowledge }).pipe(round)),
		skip(1),
	) as Observable<Inferred>;
