/** Files that are taken for ONNX models by mistake, told by how they begin. */

const BEGINNINGS: readonly { readonly at: number; readonly text: string; readonly kind: string }[] = [
	{ at: 0, text: "version https://git-lfs", kind: "a Git LFS pointer; get the file itself with git lfs pull" },
	{ at: 0, text: "PK\x03\x04", kind: "a zip, as PyTorch's checkpoints are; export the model with torch.onnx.export" },
	{ at: 0, text: "\x89HDF", kind: "an HDF5 file, as Keras's are; convert the model with tf2onnx" },
	{ at: 0, text: "\x89PNG", kind: "a PNG picture" },
	{ at: 0, text: "\xff\xd8\xff", kind: "a JPEG picture" },
	{ at: 0, text: "<", kind: "a web page or other text" },
	{ at: 4, text: "TFL3", kind: "a TensorFlow Lite model; convert it with tf2onnx" },
	{ at: 4, text: "ORTM", kind: "a model in ONNX Runtime's own format; start from the .onnx file" },
];

/** What bytes that are no ONNX model seem to be. */
export function foreignKind(bytes: Uint8Array): string | undefined {
	if (bytes.length === 0) return "an empty file";
	const start = Buffer.from(bytes.subarray(0, 64)).toString("latin1");
	return BEGINNINGS.find(({ at, text }) => start.startsWith(text, at))?.kind;
}
