/** Milliseconds after which the process ends, whatever still holds it: a service manager would kill it soon after. */
const LONGEST = 4_500;

/** Aborts on the first SIGINT or SIGTERM; the process then ends by itself, or at the deadline, with exit code 0. */
export const onSignal = (): AbortSignal => {
	const controller = new AbortController();
	const stop = () => {
		controller.abort();
		setTimeout(() => process.exit(), LONGEST).unref();
	};
	process.once("SIGINT", stop).once("SIGTERM", stop);
	return controller.signal;
};
