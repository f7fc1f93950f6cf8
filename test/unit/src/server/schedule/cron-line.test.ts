import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseCronLine } from "../../../../../src/server/schedule/cron-line.ts";

/** Since when, the line, and its next three runs, as robfig/cron v3.0.1, Velero's parser, gives them. */
const asVelero: readonly (readonly [string, string, string])[] = [
  ["2026-03-27T00:00:30Z", "* * * * *", "2026-03-27T00:01:00Z 2026-03-27T00:02:00Z 2026-03-27T00:03:00Z"],
  ["2026-03-27T00:00:00Z", "5/15 * * * *", "2026-03-27T00:05:00Z 2026-03-27T00:20:00Z 2026-03-27T00:35:00Z"],
  ["2026-03-27T00:00:00Z", "*/20 */12 * * *", "2026-03-27T00:20:00Z 2026-03-27T00:40:00Z 2026-03-27T12:00:00Z"],
  ["2026-03-27T10:00:00Z", "30 2,14 * * *", "2026-03-27T14:30:00Z 2026-03-28T02:30:00Z 2026-03-28T14:30:00Z"],
  ["2026-03-27T00:00:00Z", "0 0 13 * 5", "2026-04-03T00:00:00Z 2026-04-10T00:00:00Z 2026-04-13T00:00:00Z"],
  ["2026-03-27T00:00:00Z", "0 0 13 * *", "2026-04-13T00:00:00Z 2026-05-13T00:00:00Z 2026-06-13T00:00:00Z"],
  ["2026-03-27T00:00:00Z", "0 0 ? * FRI", "2026-04-03T00:00:00Z 2026-04-10T00:00:00Z 2026-04-17T00:00:00Z"],
  ["2026-03-27T00:00:00Z", "0 0 */2 * fri", "2026-03-29T00:00:00Z 2026-03-31T00:00:00Z 2026-04-01T00:00:00Z"],
  ["2026-03-27T00:00:00Z", "0 0 *,13 * 5", "2026-04-03T00:00:00Z 2026-04-10T00:00:00Z 2026-04-17T00:00:00Z"],
  ["2026-03-27T00:00:00Z", "0 0 * jan-mar mon", "2026-03-30T00:00:00Z 2027-01-04T00:00:00Z 2027-01-11T00:00:00Z"],
  ["2026-03-27T00:00:00Z", "0 0 29 2 *", "2028-02-29T00:00:00Z 2032-02-29T00:00:00Z 2036-02-29T00:00:00Z"],
  ["2026-03-27T00:00:00Z", "*/60 8-18/5 * * 1-5", "2026-03-27T08:00:00Z 2026-03-27T13:00:00Z 2026-03-27T18:00:00Z"],
  ["2026-03-27T00:00:00Z", "10-14/2,59 23 31 * *", "2026-03-31T23:10:00Z 2026-03-31T23:12:00Z 2026-03-31T23:14:00Z"],
  ["2026-03-27T00:00:00Z", "@hourly", "2026-03-27T01:00:00Z 2026-03-27T02:00:00Z 2026-03-27T03:00:00Z"],
  ["2026-03-27T00:00:00Z", "@daily", "2026-03-28T00:00:00Z 2026-03-29T00:00:00Z 2026-03-30T00:00:00Z"],
  ["2026-03-27T00:00:00Z", "@midnight", "2026-03-28T00:00:00Z 2026-03-29T00:00:00Z 2026-03-30T00:00:00Z"],
  ["2026-03-27T00:00:00Z", "@weekly", "2026-03-29T00:00:00Z 2026-04-05T00:00:00Z 2026-04-12T00:00:00Z"],
  ["2026-03-27T00:00:00Z", "@monthly", "2026-04-01T00:00:00Z 2026-05-01T00:00:00Z 2026-06-01T00:00:00Z"],
  ["2026-03-27T00:00:00Z", "@yearly", "2027-01-01T00:00:00Z 2028-01-01T00:00:00Z 2029-01-01T00:00:00Z"],
  ["2026-03-27T00:00:00Z", "@annually", "2027-01-01T00:00:00Z 2028-01-01T00:00:00Z 2029-01-01T00:00:00Z"],
  ["2026-03-27T00:00:07Z", "@every 1h30m", "2026-03-27T01:30:07Z 2026-03-27T03:00:07Z 2026-03-27T04:30:07Z"],
  ["2026-03-27T00:00:07Z", "@every 90s", "2026-03-27T00:01:37Z 2026-03-27T00:03:07Z 2026-03-27T00:04:37Z"],
  [
    "2026-03-27T00:00:00Z",
    "TZ=Asia/Kolkata 30 5 * * *",
    "2026-03-28T00:00:00Z 2026-03-29T00:00:00Z 2026-03-30T00:00:00Z",
  ],
  [
    "2026-03-27T00:00:00Z",
    "CRON_TZ=America/New_York @daily",
    "2026-03-27T04:00:00Z 2026-03-28T04:00:00Z 2026-03-29T04:00:00Z",
  ],
  ["2026-03-27T00:00:00Z", "TZ=  0 6 * * *", "2026-03-27T06:00:00Z 2026-03-28T06:00:00Z 2026-03-29T06:00:00Z"],
  [
    "2026-03-27T00:00:00Z",
    "CRON_TZ=Europe/Berlin 0 4 * * 0",
    "2026-03-29T02:00:00Z 2026-04-05T02:00:00Z 2026-04-12T02:00:00Z",
  ],
  [
    "2026-03-29T00:00:00Z",
    "CRON_TZ=Europe/Berlin */30 2-3 * * *",
    "2026-03-29T01:00:00Z 2026-03-29T01:30:00Z 2026-03-30T00:00:00Z",
  ],
];

function nextThree(since: string, text: string, zone = "UTC"): string {
  const parsed = parseCronLine(text, zone);
  if ("problem" in parsed) return parsed.problem;
  let ms = Date.parse(since);
  const runs: string[] = [];
  for (let count = 0; count < 3; count++) {
    ms = parsed.line.nextAfter(ms);
    runs.push(new Date(ms).toISOString().replace(".000Z", "Z"));
  }
  return runs.join(" ");
}

function problemOf(text: string): string {
  const parsed = parseCronLine(text, "UTC");
  return "problem" in parsed ? parsed.problem : "";
}

describe("parseCronLine", () => {
  it("reads every form that Velero reads, to the same times", () => {
    for (const [since, text, runs] of asVelero) assert.equal(nextThree(since, text), runs, text);
  });

  it("takes the server's time zone where the line names none, or Local", () => {
    const midnights = "2026-07-01T22:00:00Z 2026-07-02T22:00:00Z 2026-07-03T22:00:00Z";
    for (const text of ["0 0 * * *", "CRON_TZ=Local @daily"])
      assert.equal(nextThree("2026-07-01T12:00:00Z", text, "Europe/Berlin"), midnights);
    const elsewhere = "2026-07-02T00:00:00Z 2026-07-03T00:00:00Z 2026-07-04T00:00:00Z";
    assert.equal(nextThree("2026-07-01T12:00:00Z", "TZ=UTC 0 0 * * *", "Europe/Berlin"), elsewhere);
  });

  it("runs a nightly backup right after the hour that summer time leaves out, where Velero leaves the run out", () => {
    const runs = "2026-03-28T01:30:00Z 2026-03-29T01:00:00Z 2026-03-30T00:30:00Z";
    assert.equal(nextThree("2026-03-28T00:00:00Z", "CRON_TZ=Europe/Berlin 30 2 * * *"), runs);
    const twice = "2026-03-28T13:30:00Z 2026-03-29T01:00:00Z 2026-03-29T12:30:00Z";
    assert.equal(nextThree("2026-03-28T03:00:00Z", "CRON_TZ=Europe/Berlin 30 2,14 * * *"), twice);
  });

  it("runs it once in the night in which an hour comes twice, where Velero runs it twice", () => {
    const runs = "2026-10-24T00:30:00Z 2026-10-25T00:30:00Z 2026-10-26T01:30:00Z";
    assert.equal(nextThree("2026-10-24T00:00:00Z", "CRON_TZ=Europe/Berlin 30 2 * * *"), runs);
  });

  it("runs what comes every hour in both of them", () => {
    const runs = "2026-10-25T00:00:00Z 2026-10-25T01:00:00Z 2026-10-25T02:00:00Z";
    assert.equal(nextThree("2026-10-24T23:30:00Z", "CRON_TZ=Europe/Berlin 0 * * * *"), runs);
  });

  it("counts Sunday as 0 and as 7", () => {
    const since = "2026-03-27T00:00:00Z";
    assert.equal(nextThree(since, "0 0 * * 7"), nextThree(since, "0 0 * * 0"));
    assert.equal(nextThree(since, "0 0 * * 6-7"), nextThree(since, "0 0 * * sat,sun"));
  });

  it("refuses what is no line, and says what is wrong", () => {
    const wrong: readonly (readonly [string, RegExp])[] = [
      ["", /0 fields where five are needed/],
      ["* * * *", /4 fields where five are needed: minute, hour/],
      ["0 0 0 * * *", /6 fields/],
      ["60 * * * *", /"60" is no minute: give 0 to 59/],
      ["* 24 * * *", /"24" is no hour/],
      ["* * 0 * *", /"0" is no day of the month/],
      ["* * * 13 *", /"13" is no month/],
      ["* * * * 8", /"8" is no day of the week/],
      ["5-1 * * * *", /"5-1" is no minute/],
      ["*/0 * * * *", /"\*\/0" is no minute/],
      ["*-5 * * * *", /is no minute/],
      ["1,,2 * * * *", /"" is no minute/],
      ["jan * * * *", /"jan" is no minute/],
      ["0 0 31 2 *", /no such date ever comes/],
      ["@nightly", /it is none of @yearly/],
      ["@every", /it is none of @yearly/],
      ["@every soon", /@every needs a duration/],
      ["@every 0s", /@every needs a duration/],
      ["@every -1h", /@every needs a duration/],
      ["TZ=Mars/Olympus 0 0 * * *", /"Mars\/Olympus" is no time zone/],
    ];
    for (const [text, problem] of wrong) assert.match(problemOf(text), problem, JSON.stringify(text));
  });

  it("refuses what only the library behind it understands", () => {
    for (const text of ["0 0 L * *", "0 0 15W * *", "0 0 * * 5#2", "0 0 1 * +5", "0 0 * * 5L"])
      assert.notEqual(problemOf(text), "", text);
  });
});
