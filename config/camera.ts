import { z } from "zod";
import { source } from "./source.js";
import { duration, positive, size, whole } from "./values.js";

const REGION = "expected [x, y, width, height] in whole pixels";

const region = z.tuple([whole(0, 65_535), whole(0, 65_535), whole(1, 65_535), whole(1, 65_535)], { error: REGION });

/** More would be a picture as high as sixteen inputs of the model, and hardly one model's task. */
const MOST_REGIONS = 16;

const REGIONS = `1 to ${MOST_REGIONS} regions by name, such as left: [0, 0, 320, 360]`;

const regions = z
	.record(
		z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, { error: "a region's name is 1 to 64 letters, digits, _ or -" }),
		region,
		{ error: `expected ${REGIONS}` },
	)
	.refine((given) => Object.keys(given).length > 0 && Object.keys(given).length <= MOST_REGIONS, {
		error: `give ${REGIONS}`,
	})
	.meta({ minProperties: 1, maxProperties: MOST_REGIONS });

const SHORTEST_STALL = 1_000;

/** One camera. */
export const camera = z
	.strictObject({
		source,
		fps: positive(240)
			.exactOptional()
			.describe(
				"Most frames a second that are looked at; all of them where absent. Of a folder of pictures: the rate at which they are shown, 25 where absent.",
			),
		rotate: z
			.literal([0, 90, 180, 270])
			.default(0)
			.describe("Degrees clockwise that the picture is turned by, before regions are cut out of it."),
		region: region
			.exactOptional()
			.describe(
				"The part of the picture to classify: [x, y, width, height] in pixels of the source; all of it where absent.",
			),
		regions: regions
			.exactOptional()
			.describe(
				"Instead of region, several parts by name: each is classified by itself, and predictions carry the name.",
			),
		hwaccel: z
			.enum(["none", "auto", "vaapi", "cuda", "qsv", "vdpau", "drm", "videotoolbox", "d3d11va"])
			.default("none")
			.describe("What decodes the video; where the hardware fails, the processor does it."),
		drop: z
			.enum(["oldest", "none"])
			.exactOptional()
			.describe(
				"Whether frames that nobody takes in time are dropped, the oldest first, or the source waits; where absent none for files that are read fast, and oldest for everything else.",
			),
		stall: duration("10m")
			.refine((ms) => ms >= SHORTEST_STALL, { error: "expected a duration of 1s at least" })
			.prefault("10s")
			.describe("How long a source may send no frame before it counts as gone and is opened again."),
		journal: size("100MB", "4GB")
			.exactOptional()
			.describe(
				"Size of a journal of the frames that this camera shows and of what comes of them, kept in the store's folder for `acclimate replay`; none where absent.",
			),
		enabled: z
			.boolean()
			.default(true)
			.describe("Whether this camera is watched; false keeps its settings and leaves it out."),
	})
	.refine(({ region, regions }) => region === undefined || regions === undefined, {
		path: ["regions"],
		error: "give region or regions, not both",
	})
	.refine(({ fps, stall }) => fps === undefined || stall * fps >= 2_000, {
		path: ["fps"],
		error: "two frames take longer than stall, which is 10s where absent — give a longer one",
	});
