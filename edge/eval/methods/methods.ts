import type { Method } from "../method.js";
import { bn } from "./bn.js";
import { foaMethods } from "./foa.js";
import { lame } from "./lame.js";
import { neo, neoContinual } from "./neo.js";
import { pace } from "./pace.js";
import { pipedMethods } from "./piped.js";
import { t3a } from "./t3a.js";

/** The methods there are, by the names that `--methods` takes; doing nothing first. */
export const methods: readonly Method[] = [...pipedMethods, bn, neo, neoContinual, t3a, lame, pace, ...foaMethods];
