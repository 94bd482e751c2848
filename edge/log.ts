import { type Logger, pino } from "pino";
import { prettyFactory } from "pino-pretty";
import type { Config } from "../config/schema.js";
import { scrubbed } from "../config/scrub.js";

/** What a line of the log can be about; each may have a level of its own. */
export type Module = keyof Config["log"]["modules"];

/** Gives each module its log. */
export type Log = (module: Module) => Logger;

/** The strings in a JSON text. */
const STRINGS = /"(?:[^"\\]|\\.)*"/g;

/** The log on stderr; nothing secret gets past it. */
export const openLog = ({ level, format, modules }: Config["log"]): Log => {
	const sink = pino.destination({ dest: 2, sync: true });
	const render =
		format === "pretty"
			? prettyFactory({ colorize: process.stderr.isTTY, translateTime: "SYS:HH:MM:ss.l", ignore: "pid,hostname" })
			: (line: string) => line;
	// Numbers stay as they are: a password of digits must not make a time something that no program can read.
	const write = (line: string) => sink.write(render(line.replace(STRINGS, scrubbed)));
	const log = pino({ level }, { write });
	return (module) => log.child({ module }, { level: modules[module] ?? level });
};
