import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

/** Bytes of this thread's objects and arrays that are in use: what nobody refers to is collected first. */
export async function occupied(): Promise<number> {
	// What is released by collecting an object's last reader goes with the next collection.
	for (let i = 0; i < 3; i++) {
		await setImmediate();
		collect();
	}
	const { heapUsed, arrayBuffers } = process.memoryUsage();
	return heapUsed + arrayBuffers;
}
