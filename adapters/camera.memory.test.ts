import { cameraContract } from "./camera.contract.js";
import { openMemoryCamera } from "./camera.memory.js";

cameraContract("in memory", async ({ count, loop, live }) =>
	openMemoryCamera({
		pictures: Array.from({ length: count }, (_, i) => Uint8Array.of(i, i, i)),
		loop,
		...(live ? { interval: 10 } : {}),
	}),
);
