PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE htmxchat_conversations (
	id VARCHAR(32) NOT NULL, 
	user_id TEXT NOT NULL, 
	title TEXT NOT NULL, 
	folded TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	PRIMARY KEY (id)
);
INSERT INTO htmxchat_conversations VALUES('ac4fa110dc634683b126fa67b74315be','ann','Rain & snow','rain & snow','2026-11-30 00:08:16.692470','2026-11-30 00:08:16.822978',NULL);
INSERT INTO htmxchat_conversations VALUES('9d4624bd506247c89cad2e39ca2dbea5','ann','forever','forever','2026-11-30 00:08:16.878707','2026-11-30 00:08:17.295241',NULL);
INSERT INTO htmxchat_conversations VALUES('b57718824c4140f29b349ea390574a7c','ann','to be deleted','to be deleted','2026-11-30 00:08:17.322382','2026-11-30 00:08:17.326285','2026-11-30 00:08:17.352986');
INSERT INTO htmxchat_conversations VALUES('9ab28642f16442f69cf18988784f497e','ben','wait','wait','2026-11-30 00:08:17.355147','2026-11-30 00:08:17.355147',NULL);
INSERT INTO htmxchat_conversations VALUES('bce7f4427358432c821f65b96d5bcbd2','ben','script','script','2026-11-30 00:08:17.760242','2026-11-30 00:08:17.760242',NULL);
INSERT INTO htmxchat_conversations VALUES('cd050ded434d4b2cb5e821558c00d9aa','ben','propose','propose','2026-11-30 00:08:18.182169','2026-11-30 00:08:18.193639',NULL);
CREATE TABLE htmxchat_scripts (
	id VARCHAR(32) NOT NULL, 
	conversation_id TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	origin TEXT NOT NULL, 
	title TEXT NOT NULL, 
	code TEXT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	position INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	awaited BOOLEAN NOT NULL, 
	edited BOOLEAN NOT NULL, 
	approved VARCHAR(64), 
	trusted BOOLEAN NOT NULL, 
	revision INTEGER NOT NULL, 
	approved_at DATETIME, 
	started_at DATETIME, 
	ended_at DATETIME, 
	runner VARCHAR(64), 
	lease_until DATETIME, 
	result JSON, 
	cleared BOOLEAN NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO htmxchat_scripts VALUES('80253b9a0ee45512d5cacf6d28fd46df','bce7f4427358432c821f65b96d5bcbd2','9d3751c93f2d418a9200ea349db2e364','proposal:script-2','The answer','print(6 * 7)','queued',1,'2026-11-30 00:08:17.767013',1,0,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO htmxchat_scripts VALUES('3d2b7ebeaf08f704df6ff914ef16e4c8','cd050ded434d4b2cb5e821558c00d9aa','6ef84a13a72249638c744e373d96dffc','proposal:p1','A sum','1 + 1','done',1,'2026-11-30 00:08:18.198641',0,0,'72fce59447a01f488b1169d2d742679cfe306a89772d67fef018bcfe95431f68',0,3,'2026-11-30 00:08:18.271980','2026-11-30 00:08:18.513586','2026-11-30 00:08:18.522701','page-1',NULL,'{"state":"done","stdout":"2\n","stderr":"","value":{"kind":"text","text":"2","format":"plain"},"pictures":[],"error":null,"seconds":0.1,"truncated":false,"code":"1 + 1"}',0);
INSERT INTO htmxchat_scripts VALUES('c90101d131d764be876405631ba57125','ac4fa110dc634683b126fa67b74315be','a977ce480d424d4e95b5509ac11fa6fd','block:0','Block','print(''block'')','queued',1,'2026-11-30 00:08:18.533617',0,0,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,0);
CREATE TABLE htmxchat_sessions (
	id VARCHAR(64) NOT NULL, 
	user_id TEXT NOT NULL, 
	name TEXT, 
	token TEXT, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO htmxchat_sessions VALUES('70b418541da77d413246ec0d700eebb8b23852493cfaa4ab4f39009cd68360f0','ann','Ann','token-of-ann','2026-11-30 00:08:18.534429','2096-11-01 12:00:00.000000');
CREATE TABLE htmxchat_pending_sign_ins (
	id VARCHAR(64) NOT NULL, 
	back TEXT NOT NULL, 
	with_state BOOLEAN NOT NULL, 
	problem TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO htmxchat_pending_sign_ins VALUES('d77e19c0da1c67e2163eed7469cff5bb205931ebaeeca98cdd3c0fe7e2a6dc32','/chat/',1,'','2026-11-30 00:08:18.536510','2096-11-01 12:00:00.000000');
CREATE TABLE htmxchat_turns (
	id VARCHAR(32) NOT NULL, 
	conversation_id VARCHAR(32) NOT NULL, 
	text TEXT NOT NULL, 
	folded TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(conversation_id) REFERENCES htmxchat_conversations (id) ON DELETE CASCADE
);
INSERT INTO htmxchat_turns VALUES('7e63a195a0394025b6e25002881209ec','ac4fa110dc634683b126fa67b74315be','Tell me of rain','tell me of rain','2026-11-30 00:08:16.692470');
INSERT INTO htmxchat_turns VALUES('b51955e908e14715b570a105f7f87709','ac4fa110dc634683b126fa67b74315be','fail','fail','2026-11-30 00:08:16.739702');
INSERT INTO htmxchat_turns VALUES('f8bbfbf36e6646ae830f3ac2734fa8be','9d4624bd506247c89cad2e39ca2dbea5','forever','forever','2026-11-30 00:08:16.878707');
INSERT INTO htmxchat_turns VALUES('6cd49d726d8d4f7f953d1ffa6730f0e7','b57718824c4140f29b349ea390574a7c','to be deleted','to be deleted','2026-11-30 00:08:17.322382');
INSERT INTO htmxchat_turns VALUES('85d448773b2d49b9ae46c07bf335bd1f','9ab28642f16442f69cf18988784f497e','wait','wait','2026-11-30 00:08:17.355147');
INSERT INTO htmxchat_turns VALUES('651f3d359f7942b6b1d44df3414e73a6','bce7f4427358432c821f65b96d5bcbd2','script','script','2026-11-30 00:08:17.760242');
INSERT INTO htmxchat_turns VALUES('7e293587c90e4f3983f6b4c23f9c7232','cd050ded434d4b2cb5e821558c00d9aa','propose','propose','2026-11-30 00:08:18.182169');
CREATE TABLE htmxchat_runs (
	id VARCHAR(32) NOT NULL, 
	conversation_id VARCHAR(32) NOT NULL, 
	turn_id VARCHAR(32) NOT NULL, 
	user_id TEXT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	created_at DATETIME NOT NULL, 
	owner VARCHAR(32), 
	alive_at DATETIME NOT NULL, 
	stop_requested BOOLEAN NOT NULL, 
	waiting TEXT, 
	active SMALLINT, 
	log JSON, 
	text TEXT NOT NULL, 
	folded TEXT NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT htmxchat_one_live_run UNIQUE (conversation_id, active), 
	FOREIGN KEY(conversation_id) REFERENCES htmxchat_conversations (id) ON DELETE CASCADE, 
	FOREIGN KEY(turn_id) REFERENCES htmxchat_turns (id) ON DELETE CASCADE
);
INSERT INTO htmxchat_runs VALUES('a977ce480d424d4e95b5509ac11fa6fd','ac4fa110dc634683b126fa67b74315be','7e63a195a0394025b6e25002881209ec','ann','completed','2026-11-30 00:08:16.692470','f032aa31fac6409f88412bd0cbb391ff','2026-11-30 00:08:16.709586',0,NULL,NULL,'[[1,"2026-11-30T00:08:16.692470+00:00","RunStarted",{}],[2,"2026-11-30T00:08:16.698497+00:00","StageChanged",{"name":"Looking"}],[3,"2026-11-30T00:08:16.698539+00:00","ReasoningDelta",{"text":"Hm. "}],[4,"2026-11-30T00:08:16.698661+00:00","ToolStarted",{"call_id":"c1","name":"search","summary":"for rain","arguments":{"q":"rain"}}],[5,"2026-11-30T00:08:16.698819+00:00","ToolFinished",{"call_id":"c1","summary":"2 results","result":[1,2],"failed":false}],[6,"2026-11-30T00:08:16.698943+00:00","SourcesFound",{"sources":[{"title":"Rain","url":"https://example.com/rain","detail":"section 1","excerpt":"It rains."}]}],[7,"2026-11-30T00:08:16.698950+00:00","TextDelta",{"text":"**Echo**: Tell me of rain — naïve 雨 [1]"}],[8,"2026-11-30T00:08:16.698991+00:00","UsageReported",{"input_tokens":10,"output_tokens":20}],[9,"2026-11-30T00:08:16.700464+00:00","RunEnded",{"outcome":"completed","error":null}]]','**Echo**: Tell me of rain — naïve 雨 [1]','**echo**: tell me of rain — naïve 雨 [1]');
INSERT INTO htmxchat_runs VALUES('64fa0fd86b2d4e1ea8607b4b4c6be04e','ac4fa110dc634683b126fa67b74315be','b51955e908e14715b570a105f7f87709','ann','failed','2026-11-30 00:08:16.739702','f032aa31fac6409f88412bd0cbb391ff','2026-11-30 00:08:16.750068',0,NULL,NULL,'[[1,"2026-11-30T00:08:16.739702+00:00","RunStarted",{}],[2,"2026-11-30T00:08:16.743577+00:00","TextDelta",{"text":"half"}],[3,"2026-11-30T00:08:16.744977+00:00","RunEnded",{"outcome":"failed","error":"The agent failed while answering. What it wrote is kept."}]]','half','');
INSERT INTO htmxchat_runs VALUES('502564c5d5a34aa2a680a83643e717fa','ac4fa110dc634683b126fa67b74315be','b51955e908e14715b570a105f7f87709','ann','failed','2026-11-30 00:08:16.816802','f032aa31fac6409f88412bd0cbb391ff','2026-11-30 00:08:16.838676',0,NULL,NULL,'[[1,"2026-11-30T00:08:16.816802+00:00","RunStarted",{}],[2,"2026-11-30T00:08:16.821697+00:00","TextDelta",{"text":"half"}],[3,"2026-11-30T00:08:16.822978+00:00","RunEnded",{"outcome":"failed","error":"The agent failed while answering. What it wrote is kept."}]]','half','half');
INSERT INTO htmxchat_runs VALUES('c9cbe133a1af4a7992fe4601b4d76b55','9d4624bd506247c89cad2e39ca2dbea5','f8bbfbf36e6646ae830f3ac2734fa8be','ann','cancelled','2026-11-30 00:08:16.878707','f032aa31fac6409f88412bd0cbb391ff','2026-11-30 00:08:17.297246',1,NULL,NULL,'[[1,"2026-11-30T00:08:16.878707+00:00","RunStarted",{}],[2,"2026-11-30T00:08:16.889424+00:00","TextDelta",{"text":"w0 "}],[3,"2026-11-30T00:08:17.294303+00:00","RunStopping",{}],[4,"2026-11-30T00:08:17.295241+00:00","RunEnded",{"outcome":"cancelled","error":null}]]','w0 ','w0 ');
INSERT INTO htmxchat_runs VALUES('9875bdec34004ac8be106240961e2d92','b57718824c4140f29b349ea390574a7c','6cd49d726d8d4f7f953d1ffa6730f0e7','ann','completed','2026-11-30 00:08:17.322382','f032aa31fac6409f88412bd0cbb391ff','2026-11-30 00:08:17.328507',0,NULL,NULL,'[[1,"2026-11-30T00:08:17.322382+00:00","RunStarted",{}],[2,"2026-11-30T00:08:17.325144+00:00","StageChanged",{"name":"Looking"}],[3,"2026-11-30T00:08:17.325180+00:00","ReasoningDelta",{"text":"Hm. "}],[4,"2026-11-30T00:08:17.325273+00:00","ToolStarted",{"call_id":"c1","name":"search","summary":"for rain","arguments":{"q":"rain"}}],[5,"2026-11-30T00:08:17.325348+00:00","ToolFinished",{"call_id":"c1","summary":"2 results","result":[1,2],"failed":false}],[6,"2026-11-30T00:08:17.325457+00:00","SourcesFound",{"sources":[{"title":"Rain","url":"https://example.com/rain","detail":"section 1","excerpt":"It rains."}]}],[7,"2026-11-30T00:08:17.325464+00:00","TextDelta",{"text":"**Echo**: to be deleted — naïve 雨 [1]"}],[8,"2026-11-30T00:08:17.325502+00:00","UsageReported",{"input_tokens":10,"output_tokens":20}],[9,"2026-11-30T00:08:17.326285+00:00","RunEnded",{"outcome":"completed","error":null}]]','**Echo**: to be deleted — naïve 雨 [1]','**echo**: to be deleted — naïve 雨 [1]');
INSERT INTO htmxchat_runs VALUES('c0941e9d07b2464bba654c7f6b10b900','9ab28642f16442f69cf18988784f497e','85d448773b2d49b9ae46c07bf335bd1f','ben','running','2026-11-30 00:08:17.355147','f032aa31fac6409f88412bd0cbb391ff','2026-11-30 00:08:18.505215',0,'region',1,NULL,'','');
INSERT INTO htmxchat_runs VALUES('9d3751c93f2d418a9200ea349db2e364','bce7f4427358432c821f65b96d5bcbd2','651f3d359f7942b6b1d44df3414e73a6','ben','running','2026-11-30 00:08:17.760242','f032aa31fac6409f88412bd0cbb391ff','2026-11-30 00:08:17.760242',0,'script-2',1,NULL,'','');
INSERT INTO htmxchat_runs VALUES('6ef84a13a72249638c744e373d96dffc','cd050ded434d4b2cb5e821558c00d9aa','7e293587c90e4f3983f6b4c23f9c7232','ben','completed','2026-11-30 00:08:18.182169','f032aa31fac6409f88412bd0cbb391ff','2026-11-30 00:08:18.202578',0,NULL,NULL,'[[1,"2026-11-30T00:08:18.182169+00:00","RunStarted",{}],[2,"2026-11-30T00:08:18.191517+00:00","ScriptProposed",{"script_id":"p1","code":"1 + 1","title":"A sum","awaited":false}],[3,"2026-11-30T00:08:18.191527+00:00","TextDelta",{"text":"Proposed."}],[4,"2026-11-30T00:08:18.193639+00:00","RunEnded",{"outcome":"completed","error":null}]]','Proposed.','proposed.');
CREATE TABLE htmxchat_events (
	run_id VARCHAR(32) NOT NULL, 
	seq INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	type VARCHAR(64) NOT NULL, 
	data JSON NOT NULL, 
	raw JSON, 
	PRIMARY KEY (run_id, seq), 
	FOREIGN KEY(run_id) REFERENCES htmxchat_runs (id) ON DELETE CASCADE
);
INSERT INTO htmxchat_events VALUES('a977ce480d424d4e95b5509ac11fa6fd',1,'2026-11-30 00:08:16.692470','RunStarted','{}',NULL);
INSERT INTO htmxchat_events VALUES('a977ce480d424d4e95b5509ac11fa6fd',2,'2026-11-30 00:08:16.698497','StageChanged','{"name":"Looking"}',NULL);
INSERT INTO htmxchat_events VALUES('a977ce480d424d4e95b5509ac11fa6fd',3,'2026-11-30 00:08:16.698539','ReasoningDelta','{"text":"Hm. "}',NULL);
INSERT INTO htmxchat_events VALUES('a977ce480d424d4e95b5509ac11fa6fd',4,'2026-11-30 00:08:16.698661','ToolStarted','{"call_id":"c1","name":"search","summary":"for rain","arguments":{"q":"rain"}}',NULL);
INSERT INTO htmxchat_events VALUES('a977ce480d424d4e95b5509ac11fa6fd',5,'2026-11-30 00:08:16.698819','ToolFinished','{"call_id":"c1","summary":"2 results","result":[1,2],"failed":false}',NULL);
INSERT INTO htmxchat_events VALUES('a977ce480d424d4e95b5509ac11fa6fd',6,'2026-11-30 00:08:16.698943','SourcesFound','{"sources":[{"title":"Rain","url":"https://example.com/rain","detail":"section 1","excerpt":"It rains."}]}',NULL);
INSERT INTO htmxchat_events VALUES('a977ce480d424d4e95b5509ac11fa6fd',7,'2026-11-30 00:08:16.698950','TextDelta','{"text":"**Echo**: Tell me of rain — naïve 雨 [1]"}',NULL);
INSERT INTO htmxchat_events VALUES('a977ce480d424d4e95b5509ac11fa6fd',8,'2026-11-30 00:08:16.698991','UsageReported','{"input_tokens":10,"output_tokens":20}',NULL);
INSERT INTO htmxchat_events VALUES('a977ce480d424d4e95b5509ac11fa6fd',9,'2026-11-30 00:08:16.700464','RunEnded','{"outcome":"completed","error":null}',NULL);
INSERT INTO htmxchat_events VALUES('64fa0fd86b2d4e1ea8607b4b4c6be04e',1,'2026-11-30 00:08:16.739702','RunStarted','{}',NULL);
INSERT INTO htmxchat_events VALUES('64fa0fd86b2d4e1ea8607b4b4c6be04e',2,'2026-11-30 00:08:16.743577','TextDelta','{"text":"half"}',NULL);
INSERT INTO htmxchat_events VALUES('64fa0fd86b2d4e1ea8607b4b4c6be04e',3,'2026-11-30 00:08:16.744977','RunEnded','{"outcome":"failed","error":"The agent failed while answering. What it wrote is kept."}',NULL);
INSERT INTO htmxchat_events VALUES('502564c5d5a34aa2a680a83643e717fa',1,'2026-11-30 00:08:16.816802','RunStarted','{}',NULL);
INSERT INTO htmxchat_events VALUES('502564c5d5a34aa2a680a83643e717fa',2,'2026-11-30 00:08:16.821697','TextDelta','{"text":"half"}',NULL);
INSERT INTO htmxchat_events VALUES('502564c5d5a34aa2a680a83643e717fa',3,'2026-11-30 00:08:16.822978','RunEnded','{"outcome":"failed","error":"The agent failed while answering. What it wrote is kept."}',NULL);
INSERT INTO htmxchat_events VALUES('c9cbe133a1af4a7992fe4601b4d76b55',1,'2026-11-30 00:08:16.878707','RunStarted','{}',NULL);
INSERT INTO htmxchat_events VALUES('c9cbe133a1af4a7992fe4601b4d76b55',2,'2026-11-30 00:08:16.889424','TextDelta','{"text":"w0 "}',NULL);
INSERT INTO htmxchat_events VALUES('c9cbe133a1af4a7992fe4601b4d76b55',3,'2026-11-30 00:08:17.294303','RunStopping','{}',NULL);
INSERT INTO htmxchat_events VALUES('c9cbe133a1af4a7992fe4601b4d76b55',4,'2026-11-30 00:08:17.295241','RunEnded','{"outcome":"cancelled","error":null}',NULL);
INSERT INTO htmxchat_events VALUES('9875bdec34004ac8be106240961e2d92',1,'2026-11-30 00:08:17.322382','RunStarted','{}',NULL);
INSERT INTO htmxchat_events VALUES('9875bdec34004ac8be106240961e2d92',2,'2026-11-30 00:08:17.325144','StageChanged','{"name":"Looking"}',NULL);
INSERT INTO htmxchat_events VALUES('9875bdec34004ac8be106240961e2d92',3,'2026-11-30 00:08:17.325180','ReasoningDelta','{"text":"Hm. "}',NULL);
INSERT INTO htmxchat_events VALUES('9875bdec34004ac8be106240961e2d92',4,'2026-11-30 00:08:17.325273','ToolStarted','{"call_id":"c1","name":"search","summary":"for rain","arguments":{"q":"rain"}}',NULL);
INSERT INTO htmxchat_events VALUES('9875bdec34004ac8be106240961e2d92',5,'2026-11-30 00:08:17.325348','ToolFinished','{"call_id":"c1","summary":"2 results","result":[1,2],"failed":false}',NULL);
INSERT INTO htmxchat_events VALUES('9875bdec34004ac8be106240961e2d92',6,'2026-11-30 00:08:17.325457','SourcesFound','{"sources":[{"title":"Rain","url":"https://example.com/rain","detail":"section 1","excerpt":"It rains."}]}',NULL);
INSERT INTO htmxchat_events VALUES('9875bdec34004ac8be106240961e2d92',7,'2026-11-30 00:08:17.325464','TextDelta','{"text":"**Echo**: to be deleted — naïve 雨 [1]"}',NULL);
INSERT INTO htmxchat_events VALUES('9875bdec34004ac8be106240961e2d92',8,'2026-11-30 00:08:17.325502','UsageReported','{"input_tokens":10,"output_tokens":20}',NULL);
INSERT INTO htmxchat_events VALUES('9875bdec34004ac8be106240961e2d92',9,'2026-11-30 00:08:17.326285','RunEnded','{"outcome":"completed","error":null}',NULL);
INSERT INTO htmxchat_events VALUES('c0941e9d07b2464bba654c7f6b10b900',1,'2026-11-30 00:08:17.355147','RunStarted','{}',NULL);
INSERT INTO htmxchat_events VALUES('c0941e9d07b2464bba654c7f6b10b900',2,'2026-11-30 00:08:17.357839','TextDelta','{"text":"Thinking. "}',NULL);
INSERT INTO htmxchat_events VALUES('c0941e9d07b2464bba654c7f6b10b900',3,'2026-11-30 00:08:17.358063','InputRequested','{"request_id":"region","prompt":"Which region?","choices":["north","south"]}',NULL);
INSERT INTO htmxchat_events VALUES('9d3751c93f2d418a9200ea349db2e364',1,'2026-11-30 00:08:17.760242','RunStarted','{}',NULL);
INSERT INTO htmxchat_events VALUES('9d3751c93f2d418a9200ea349db2e364',2,'2026-11-30 00:08:17.763633','ScriptProposed','{"script_id":"script-2","code":"print(6 * 7)","title":"The answer","awaited":true}',NULL);
INSERT INTO htmxchat_events VALUES('6ef84a13a72249638c744e373d96dffc',1,'2026-11-30 00:08:18.182169','RunStarted','{}',NULL);
INSERT INTO htmxchat_events VALUES('6ef84a13a72249638c744e373d96dffc',2,'2026-11-30 00:08:18.191517','ScriptProposed','{"script_id":"p1","code":"1 + 1","title":"A sum","awaited":false}',NULL);
INSERT INTO htmxchat_events VALUES('6ef84a13a72249638c744e373d96dffc',3,'2026-11-30 00:08:18.191527','TextDelta','{"text":"Proposed."}',NULL);
INSERT INTO htmxchat_events VALUES('6ef84a13a72249638c744e373d96dffc',4,'2026-11-30 00:08:18.193639','RunEnded','{"outcome":"completed","error":null}',NULL);
CREATE TABLE htmxchat_answers (
	run_id VARCHAR(32) NOT NULL, 
	request_id TEXT NOT NULL, 
	answer JSON NOT NULL, 
	PRIMARY KEY (run_id, request_id), 
	FOREIGN KEY(run_id) REFERENCES htmxchat_runs (id) ON DELETE CASCADE
);
INSERT INTO htmxchat_answers VALUES('c0941e9d07b2464bba654c7f6b10b900','region','"north"');
CREATE TABLE htmxchat_kogwistar_conversations (
	id TEXT NOT NULL, 
	user_id TEXT NOT NULL, 
	title TEXT NOT NULL, 
	folded TEXT NOT NULL, 
	titled BOOLEAN NOT NULL, 
	verified BOOLEAN NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	hidden_at DATETIME, 
	PRIMARY KEY (id)
);
INSERT INTO htmxchat_kogwistar_conversations VALUES('kc-1','7','Elsewhere','elsewhere',1,1,'2026-11-01 12:00:00.000000','2026-11-01 12:00:00.000000',NULL);
INSERT INTO htmxchat_kogwistar_conversations VALUES('kc-2','7','Hidden','hidden',0,0,'2026-11-01 12:00:00.000000','2026-11-01 12:00:00.000000','2026-11-01 12:00:00.000000');
CREATE TABLE htmxchat_kogwistar_turns (
	conversation_id TEXT NOT NULL, 
	id TEXT NOT NULL, 
	place INTEGER NOT NULL, 
	text TEXT NOT NULL, 
	folded TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	PRIMARY KEY (conversation_id, id), 
	FOREIGN KEY(conversation_id) REFERENCES htmxchat_kogwistar_conversations (id) ON DELETE CASCADE
);
INSERT INTO htmxchat_kogwistar_turns VALUES('kc-1','kt-1',1,'What is rain?','what is rain?','2026-11-01 12:00:00.000000');
INSERT INTO htmxchat_kogwistar_turns VALUES('kc-1','kt-3',3,'And snow?','and snow?','2026-11-01 12:00:00.000000');
CREATE TABLE htmxchat_kogwistar_runs (
	id TEXT NOT NULL, 
	conversation_id TEXT NOT NULL, 
	turn_id TEXT NOT NULL, 
	place INTEGER NOT NULL, 
	workflow BOOLEAN NOT NULL, 
	workflow_id TEXT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	phase VARCHAR(16) NOT NULL, 
	since DATETIME NOT NULL, 
	created_at DATETIME NOT NULL, 
	stop_asked_at DATETIME, 
	active SMALLINT, 
	assistant_turn_id TEXT NOT NULL, 
	request JSON, 
	log JSON, 
	shown JSON, 
	text TEXT NOT NULL, 
	folded TEXT NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT htmxchat_kogwistar_one_live_run UNIQUE (conversation_id, active), 
	FOREIGN KEY(conversation_id) REFERENCES htmxchat_kogwistar_conversations (id) ON DELETE CASCADE
);
INSERT INTO htmxchat_kogwistar_runs VALUES('kr-1','kc-1','kt-1',2,0,'debug.rag.v1','completed','ended','2026-11-01 12:00:00.000000','2026-11-01 12:00:00.000000',NULL,NULL,'kt-2',NULL,'[[1,"2026-11-01T12:00:00+00:00","RunStarted",{}],[2,"2026-11-01T12:00:00+00:00","TextDelta",{"text":"Water."}],[3,"2026-11-01T12:00:00+00:00","RunEnded",{"outcome":"completed","error":null}]]','[[1,"2026-11-01T12:00:00+00:00","RunStarted",{}],[2,"2026-11-01T12:00:00+00:00","TextDelta",{"text":"Water."}],[3,"2026-11-01T12:00:00+00:00","RunEnded",{"outcome":"completed","error":null}]]','Water.','water.');
INSERT INTO htmxchat_kogwistar_runs VALUES('kr-2','kc-1','kt-3',4,0,'debug.rag.v1','running','running','2026-11-01 12:00:00.000000','2026-11-01 12:00:00.000000',NULL,1,'',NULL,NULL,NULL,'','');
CREATE INDEX ix_htmxchat_conversations_deleted_at ON htmxchat_conversations (deleted_at);
CREATE INDEX htmxchat_conversations_by_user ON htmxchat_conversations (user_id, updated_at, id);
CREATE INDEX htmxchat_scripts_by_conversation ON htmxchat_scripts (conversation_id, position);
CREATE INDEX htmxchat_scripts_by_run ON htmxchat_scripts (run_id);
CREATE INDEX ix_htmxchat_sessions_expires_at ON htmxchat_sessions (expires_at);
CREATE INDEX ix_htmxchat_pending_sign_ins_expires_at ON htmxchat_pending_sign_ins (expires_at);
CREATE INDEX htmxchat_turns_by_conversation ON htmxchat_turns (conversation_id, created_at);
CREATE INDEX htmxchat_runs_by_conversation ON htmxchat_runs (conversation_id, created_at);
CREATE INDEX htmxchat_runs_by_user ON htmxchat_runs (user_id, active, alive_at);
CREATE INDEX ix_htmxchat_runs_turn_id ON htmxchat_runs (turn_id);
CREATE INDEX htmxchat_kogwistar_conversations_by_user ON htmxchat_kogwistar_conversations (user_id, updated_at, id);
CREATE INDEX htmxchat_kogwistar_runs_by_conversation ON htmxchat_kogwistar_runs (conversation_id, place);
COMMIT;
