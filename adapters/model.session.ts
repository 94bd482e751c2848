import { readFileSync } from "node:fs";
import type { InferenceSession } from "onnxruntime-node";

/** How every session of ONNX Runtime is set up. `threads`: without it one for each core. */
export const sessionOptions = (threads?: number): InferenceSession.SessionOptions => ({
	graphOptimizationLevel: "all",
	...(threads === undefined ? {} : { intraOpNumThreads: threads }),
	interOpNumThreads: 1,
	// What goes wrong comes back as an exception; ONNX Runtime need not print it as well.
	logSeverityLevel: 4,
	extra: {
		session: {
			// Threads that spin while they wait take the cores that ffmpeg decodes on: beside it, on two cores, 217 to 259
			// frames a second without spinning, 135 to 194 with.
			intra_op: { allow_spinning: "0" },
			x64quantprecision: sumsMayOverflow() ? "1" : "0",
		},
	},
});

/**
 * Whether int8 products may be wrong here: x86 without VNNI adds pairs of them in 16 bits, which overflow. ONNX Runtime then
 * has slower kernels that do not; on a processor with VNNI they would cost 30 % for nothing.
 */
function sumsMayOverflow(): boolean {
	if (process.arch !== "x64") return false;
	try {
		return !/^flags.*\bavx(512)?_vnni\b/m.test(readFileSync("/proc/cpuinfo", "utf8"));
	} catch {
		return true; // not Linux: better slow than wrong
	}
}
