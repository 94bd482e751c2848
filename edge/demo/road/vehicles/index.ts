import type { Random } from "../random.js";
import type { Solid } from "../solids.js";
import { bike } from "./bike.js";
import { car } from "./car.js";
import { juggernaut } from "./juggernaut.js";
import { minibus } from "./minibus.js";
import { pickup } from "./pickup.js";
import { truck } from "./truck.js";

/** The six kinds, by name; each draws one individual, standing at the origin and looking along x. */
export const vehicles = { bike, car, juggernaut, minibus, pickup, truck } satisfies Record<
	string,
	(random: Random) => Solid[]
>;

/** One of the six kinds of vehicle. */
export type Kind = keyof typeof vehicles;

/** The labels, in the order of the classifier's outputs. */
export const KINDS = Object.keys(vehicles) as Kind[];
