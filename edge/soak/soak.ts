import { rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { table } from "../table.js";
import { type Account, accountOf } from "./accounts.js";
import { noMosquitto } from "./broker.js";
import { type Fault, faults } from "./faults.js";
import { type Scene, setScene } from "./scene.js";

/*
 * `npm run soak -- --minutes 30`: every fault in turn, again and again, on real parts; at the end every count must add up, and
 * every message must have been what its topic's JSON Schema says. Each fault strikes at least once, however few the minutes
 * are.
 */

/** Milliseconds after a fault's end in which everything must be as before. */
const RECOVERY = 90_000;
/** Milliseconds that a fault lasts: a part of the time there is for it, within these. */
const HOLD = { shortest: 2_000, longest: 60_000 };

/** Of the column of names. */
const WIDTH = Math.max(...faults.map(({ name }) => name.length));

const { values } = parseArgs({ options: { minutes: { type: "string", default: "30" } } });
const minutes = Number(values.minutes);
if (!(minutes > 0) || noMosquitto) {
	console.error(noMosquitto || `--minutes: expected a number above 0, got ${values.minutes}`);
	process.exit(2);
}

/** Resolves with the seconds it took until the daemon is available and every camera online with frames taken since predicted. */
const recovered = async ({ consumer, cameras }: Scene): Promise<number> => {
	const since = Date.now();
	const well = () =>
		consumer.available === "online" &&
		cameras.every((name) => {
			const heard = consumer.cameras.get(name);
			return heard?.status === "online" && heard.newest > since;
		});
	while (!well()) {
		if (Date.now() - since > RECOVERY) {
			const states = cameras.map((name) => `${name} ${consumer.cameras.get(name)?.status || "unheard of"}`);
			throw new Error(`not as before within ${RECOVERY / 1e3} s: ${consumer.available}, ${states.join(", ")}`);
		}
		await sleep(50);
	}
	return (Date.now() - since) / 1e3;
};

const strike = async (scene: Scene, fault: Fault, hold: number): Promise<void> => {
	await fault.strike(scene, hold);
	const seconds = await recovered(scene);
	console.log(
		`${fault.name.padEnd(WIDTH)} ${(hold / 1e3).toFixed(0).padStart(3)} s, as before ${seconds.toFixed(1)} s later`,
	);
};

/** Waits until the consumer has all that was predicted, or has been told what is lost; then the accounts tell what is not. */
const settled = async ({ daemon, consumer }: Scene): Promise<Account[]> => {
	const accounts = () =>
		[...daemon.tallies].map(([name, tally]) => {
			const heard = consumer.cameras.get(name);
			if (!heard) throw new Error(`nothing was heard of ${name}`);
			return accountOf(name, tally, heard);
		});
	for (let waited = 0; waited < 10_000 && accounts().some(({ faults }) => faults.length > 0); waited += 250)
		await sleep(250);
	return accounts();
};

const scene = await setScene();
const problems: string[] = [];
for (const signal of ["SIGINT", "SIGTERM"])
	process.once(signal, () => void scene.close().finally(() => process.exit(1)));
try {
	console.log(
		`a soak of ${minutes} minutes and at least every fault once; the daemon's log: ${scene.folder}/daemon.log\n`,
	);
	console.log(`${"a start".padEnd(WIDTH)}        as before ${(await recovered(scene)).toFixed(1)} s later`);
	const possible = faults.filter((fault) => {
		const why = fault.impossible?.(scene);
		if (why) console.log(`${fault.name.padEnd(WIDTH)} left out: ${why}`);
		return !why;
	});
	const share = (minutes * 60_000) / possible.length / 2;
	const hold = Math.min(HOLD.longest, Math.max(HOLD.shortest, share - 5_000));
	const end = performance.now() + minutes * 60_000;
	for (let turn = 0; turn === 0 || performance.now() < end; turn++)
		for (const fault of possible) if (turn === 0 || performance.now() < end) await strike(scene, fault, hold);
	await scene.daemon.stop();
	const accounts = await settled(scene);
	if (scene.consumer.available !== "stopped") problems.push(`available is ${scene.consumer.available}, not stopped`);
	console.log(`\n${tabled(accounts)}\n`);
	problems.push(...accounts.flatMap(({ camera, faults }) => faults.map((fault) => `${camera}: ${fault}`)));
} catch (error) {
	problems.push((error as Error).message);
} finally {
	problems.push(...scene.daemon.faults, ...scene.consumer.problems);
	await scene.close();
}
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
else {
	const { runs, peak } = scene.daemon;
	console.log(`every count adds up over ${runs} runs of the daemon, ${Math.round(peak / 1024)} MiB at most`);
	await rm(scene.folder, { recursive: true });
}

function tabled(accounts: readonly Account[]): string {
	return table(
		["camera", "frames", "predicted", "dropped", "received", "told lost", "received again"],
		accounts.map(({ camera, frames, predicted, dropped, received, told, again }) => [
			camera,
			...[frames, predicted, dropped, received, told, again].map(String),
		]),
	);
}
