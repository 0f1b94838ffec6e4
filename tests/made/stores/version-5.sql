BEGIN TRANSACTION;
CREATE TABLE cases (
    key INTEGER PRIMARY KEY, id TEXT NOT NULL, content TEXT NOT NULL, op TEXT NOT NULL, params TEXT NOT NULL,
    quantity TEXT NOT NULL, family TEXT NOT NULL, dtype TEXT NOT NULL, "rows" INTEGER NOT NULL,
    classes INTEGER NOT NULL, seed INTEGER NOT NULL, "check" TEXT NOT NULL DEFAULT '', UNIQUE (id, content)
) STRICT;
INSERT INTO "cases" VALUES(1,'softmax-value-normal-float32-32x64','c0ffee','softmax','{}','value','normal','float32',32,64,0,'');
INSERT INTO "cases" VALUES(2,'softmax-value-speed-float32-64x1000','beef','softmax','{}','value','speed','float32',64,1000,0,'');
CREATE TABLE environments (key TEXT PRIMARY KEY, facts TEXT NOT NULL) STRICT;
INSERT INTO "environments" VALUES('3ee0da9c891daa8f','{"torch": "2.11.0"}');
CREATE TABLE not_run (
    run TEXT NOT NULL REFERENCES runs, framework TEXT NOT NULL, mode TEXT NOT NULL, device TEXT NOT NULL,
    reason TEXT NOT NULL, PRIMARY KEY (run, framework, mode, device)
) STRICT;
INSERT INTO "not_run" VALUES('20260101T000000-abc','jax','','cpu','not here');
CREATE TABLE results (
    run TEXT NOT NULL REFERENCES runs, "case" INTEGER NOT NULL REFERENCES cases,
    target INTEGER NOT NULL REFERENCES targets, environment TEXT NOT NULL, outcome TEXT NOT NULL,
    judgement TEXT NOT NULL, reason TEXT NOT NULL, facts TEXT NOT NULL, figure REAL,
    share REAL, PRIMARY KEY (run, "case", target)
) STRICT, WITHOUT ROWID;
INSERT INTO "results" VALUES('20260101T000000-abc',1,1,'3ee0da9c891daa8f','score','conforms','','{"elements":10,"max_ulp":1.5,"mean_ulp":0.25,"bias_ulp":-0.125,"over_bound":{"S":0.5,"U":0.25},"budget_class":"S","verdicts":{},"worst":{"index":[3,7],"logits":"108edf66d88759895692","label":"","upstream":"","exact":"0.3333","expected":"0x1.555556p-2","got":"0x1.555554p-2","ulp":1.5}}',1.5,0.5);
INSERT INTO "results" VALUES('20260101T000000-abc',2,1,'3ee0da9c891daa8f','timing','unjudged','','{"seconds":[0.001,0.002],"calls":1,"first_call_seconds":0.1}',0.0015,NULL);
CREATE TABLE runs (
    uid TEXT PRIMARY KEY, started TEXT NOT NULL, finished TEXT,
    command TEXT NOT NULL, preset TEXT NOT NULL, host TEXT NOT NULL, shards TEXT NOT NULL DEFAULT ''
, place INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "runs" VALUES('20260101T000000-abc','2026-01-01T00:00:00+00:00','2026-11-21T12:45:35+00:00','xentbench run','quick','{"cpu": "x"}','',1);
CREATE TABLE targets (
    key INTEGER PRIMARY KEY, framework TEXT NOT NULL, op TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
    mode TEXT NOT NULL, device TEXT NOT NULL, UNIQUE (framework, op, name, mode, device)
) STRICT;
INSERT INTO "targets" VALUES(1,'torch','softmax','torch.softmax','fused','eager','cpu');
CREATE TABLE texts (key TEXT PRIMARY KEY, "text" BLOB NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "texts" VALUES('108edf66d88759895692',X'789C33A8302CD0365030A830D4B30032001F8F03CF');
CREATE INDEX history ON results ("case", target, run, outcome, judgement, figure, share, environment);
PRAGMA user_version = 5;
COMMIT;
