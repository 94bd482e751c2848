import { sampleDomain } from "./bank.contract.js";
import { openStore } from "./bank.js";

// A process to be killed: writes into the store in a directory until then, and prints what has been acknowledged.

const [, , directory, from] = process.argv;
const store = openStore({ directory, onWarning: (message) => console.log(`warning ${message}`) });

/** Several at once, as a daemon's cameras write. */
const camera = async (name: string) => {
	const bank = store.bank("b", name);
	for (let n = Number(from); ; n++) {
		await bank.put({ ...sampleDomain(n), vector: new Float32Array(5000).fill(n) });
		console.log(`${name} domain ${n}`);
		await bank.checkpoint({ n });
		console.log(`${name} state ${n}`);
	}
};

await Promise.all(["road", "yard"].map(camera));
