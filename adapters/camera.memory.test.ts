import { cameraContract } from "./camera.contract.js";
import { openMemoryCamera } from "./camera.memory.js";

cameraContract("in memory", async ({ count, loop, live, regions = [] }) =>
	openMemoryCamera({
		pictures: Array.from({ length: count }, (_, i) => Uint8Array.of(i, i, i)),
		loop,
		regions,
		...(live ? { interval: 10 } : {}),
	}),
);
