
CREATE TABLE public.htmxchat_answers (
    run_id character varying(32) NOT NULL,
    request_id text NOT NULL,
    answer json NOT NULL
);

CREATE TABLE public.htmxchat_conversations (
    id character varying(32) NOT NULL,
    user_id text NOT NULL,
    title text NOT NULL,
    folded text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone
);

CREATE TABLE public.htmxchat_events (
    run_id character varying(32) NOT NULL,
    seq integer NOT NULL,
    at timestamp with time zone NOT NULL,
    type character varying(64) NOT NULL,
    data json NOT NULL,
    raw json
);

CREATE TABLE public.htmxchat_kogwistar_conversations (
    id text NOT NULL,
    user_id text NOT NULL,
    title text NOT NULL,
    folded text NOT NULL,
    titled boolean NOT NULL,
    verified boolean NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    hidden_at timestamp with time zone
);

CREATE TABLE public.htmxchat_kogwistar_runs (
    id text NOT NULL,
    conversation_id text NOT NULL,
    turn_id text NOT NULL,
    place integer NOT NULL,
    workflow boolean NOT NULL,
    workflow_id text NOT NULL,
    state character varying(16) NOT NULL,
    phase character varying(16) NOT NULL,
    since timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    stop_asked_at timestamp with time zone,
    active smallint,
    assistant_turn_id text NOT NULL,
    request json,
    log json,
    shown json,
    text text NOT NULL,
    folded text NOT NULL
);

CREATE TABLE public.htmxchat_kogwistar_turns (
    conversation_id text NOT NULL,
    id text NOT NULL,
    place integer NOT NULL,
    text text NOT NULL,
    folded text NOT NULL,
    created_at timestamp with time zone NOT NULL
);

CREATE TABLE public.htmxchat_pending_sign_ins (
    id character varying(64) NOT NULL,
    back text NOT NULL,
    with_state boolean NOT NULL,
    problem text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

CREATE TABLE public.htmxchat_runs (
    id character varying(32) NOT NULL,
    conversation_id character varying(32) NOT NULL,
    turn_id character varying(32) NOT NULL,
    user_id text NOT NULL,
    state character varying(16) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    owner character varying(32),
    alive_at timestamp with time zone NOT NULL,
    stop_requested boolean NOT NULL,
    waiting text,
    active smallint,
    log json,
    text text NOT NULL,
    folded text NOT NULL
);

CREATE TABLE public.htmxchat_scripts (
    id character varying(32) NOT NULL,
    conversation_id text NOT NULL,
    run_id text NOT NULL,
    origin text NOT NULL,
    title text NOT NULL,
    code text NOT NULL,
    state character varying(16) NOT NULL,
    "position" integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    awaited boolean NOT NULL,
    edited boolean NOT NULL,
    approved character varying(64),
    trusted boolean NOT NULL,
    revision integer NOT NULL,
    approved_at timestamp with time zone,
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    runner character varying(64),
    lease_until timestamp with time zone,
    result json,
    cleared boolean NOT NULL
);

CREATE TABLE public.htmxchat_sessions (
    id character varying(64) NOT NULL,
    user_id text NOT NULL,
    name text,
    token text,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

CREATE TABLE public.htmxchat_turns (
    id character varying(32) NOT NULL,
    conversation_id character varying(32) NOT NULL,
    text text NOT NULL,
    folded text NOT NULL,
    created_at timestamp with time zone NOT NULL
);

INSERT INTO public.htmxchat_answers VALUES ('d0e737d91ae3455ebbd7454623db0b98', 'region', '"north"');

INSERT INTO public.htmxchat_conversations VALUES ('ae43a8175b86473da3ae4749387be59c', 'ann', 'Rain & snow', 'rain & snow', '2026-11-30 00:08:19.687526+00', '2026-11-30 00:08:19.794861+00', NULL);
INSERT INTO public.htmxchat_conversations VALUES ('a5a6f87d2b6e4e8d956867b7cc4f5471', 'ann', 'forever', 'forever', '2026-11-30 00:08:19.83101+00', '2026-11-30 00:08:20.245839+00', NULL);
INSERT INTO public.htmxchat_conversations VALUES ('8bbfdec8ebed4015a7746dbe6a4192b7', 'ann', 'to be deleted', 'to be deleted', '2026-11-30 00:08:20.275026+00', '2026-11-30 00:08:20.280305+00', '2026-11-30 00:08:20.311241+00');
INSERT INTO public.htmxchat_conversations VALUES ('a2d287bf204d4833bc29e4843e51555e', 'ben', 'wait', 'wait', '2026-11-30 00:08:20.319978+00', '2026-11-30 00:08:20.319978+00', NULL);
INSERT INTO public.htmxchat_conversations VALUES ('615f458ae4c0436491c0763ef7aae65d', 'ben', 'script', 'script', '2026-11-30 00:08:20.727668+00', '2026-11-30 00:08:20.727668+00', NULL);
INSERT INTO public.htmxchat_conversations VALUES ('6b879b87edf745da9b6aa43eca460152', 'ben', 'propose', 'propose', '2026-11-30 00:08:21.147925+00', '2026-11-30 00:08:21.15213+00', NULL);

INSERT INTO public.htmxchat_events VALUES ('e6b13dc0c9ea469ebd93e1bd6b86d2f0', 1, '2026-11-30 00:08:19.687526+00', 'RunStarted', '{}', NULL);
INSERT INTO public.htmxchat_events VALUES ('e6b13dc0c9ea469ebd93e1bd6b86d2f0', 2, '2026-11-30 00:08:19.697439+00', 'StageChanged', '{"name":"Looking"}', NULL);
INSERT INTO public.htmxchat_events VALUES ('e6b13dc0c9ea469ebd93e1bd6b86d2f0', 3, '2026-11-30 00:08:19.697486+00', 'ReasoningDelta', '{"text":"Hm. "}', NULL);
INSERT INTO public.htmxchat_events VALUES ('e6b13dc0c9ea469ebd93e1bd6b86d2f0', 4, '2026-11-30 00:08:19.697659+00', 'ToolStarted', '{"call_id":"c1","name":"search","summary":"for rain","arguments":{"q":"rain"}}', NULL);
INSERT INTO public.htmxchat_events VALUES ('e6b13dc0c9ea469ebd93e1bd6b86d2f0', 5, '2026-11-30 00:08:19.697895+00', 'ToolFinished', '{"call_id":"c1","summary":"2 results","result":[1,2],"failed":false}', NULL);
INSERT INTO public.htmxchat_events VALUES ('e6b13dc0c9ea469ebd93e1bd6b86d2f0', 6, '2026-11-30 00:08:19.698044+00', 'SourcesFound', '{"sources":[{"title":"Rain","url":"https://example.com/rain","detail":"section 1","excerpt":"It rains."}]}', NULL);
INSERT INTO public.htmxchat_events VALUES ('e6b13dc0c9ea469ebd93e1bd6b86d2f0', 7, '2026-11-30 00:08:19.698053+00', 'TextDelta', '{"text":"**Echo**: Tell me of rain — naïve 雨 [1]"}', NULL);
INSERT INTO public.htmxchat_events VALUES ('e6b13dc0c9ea469ebd93e1bd6b86d2f0', 8, '2026-11-30 00:08:19.698096+00', 'UsageReported', '{"input_tokens":10,"output_tokens":20}', NULL);
INSERT INTO public.htmxchat_events VALUES ('e6b13dc0c9ea469ebd93e1bd6b86d2f0', 9, '2026-11-30 00:08:19.700102+00', 'RunEnded', '{"outcome":"completed","error":null}', NULL);
INSERT INTO public.htmxchat_events VALUES ('ed9632c46dbd436db1610922ab1070f4', 1, '2026-11-30 00:08:19.74455+00', 'RunStarted', '{}', NULL);
INSERT INTO public.htmxchat_events VALUES ('ed9632c46dbd436db1610922ab1070f4', 2, '2026-11-30 00:08:19.748878+00', 'TextDelta', '{"text":"half"}', NULL);
INSERT INTO public.htmxchat_events VALUES ('ed9632c46dbd436db1610922ab1070f4', 3, '2026-11-30 00:08:19.750015+00', 'RunEnded', '{"outcome":"failed","error":"The agent failed while answering. What it wrote is kept."}', NULL);
INSERT INTO public.htmxchat_events VALUES ('c270cf3d6be54249b01cd4801c922478', 1, '2026-11-30 00:08:19.787008+00', 'RunStarted', '{}', NULL);
INSERT INTO public.htmxchat_events VALUES ('c270cf3d6be54249b01cd4801c922478', 2, '2026-11-30 00:08:19.79395+00', 'TextDelta', '{"text":"half"}', NULL);
INSERT INTO public.htmxchat_events VALUES ('c270cf3d6be54249b01cd4801c922478', 3, '2026-11-30 00:08:19.794861+00', 'RunEnded', '{"outcome":"failed","error":"The agent failed while answering. What it wrote is kept."}', NULL);
INSERT INTO public.htmxchat_events VALUES ('418cb58aeb08410fa505ea2e284fdec7', 1, '2026-11-30 00:08:19.83101+00', 'RunStarted', '{}', NULL);
INSERT INTO public.htmxchat_events VALUES ('418cb58aeb08410fa505ea2e284fdec7', 2, '2026-11-30 00:08:19.834642+00', 'TextDelta', '{"text":"w0 "}', NULL);
INSERT INTO public.htmxchat_events VALUES ('418cb58aeb08410fa505ea2e284fdec7', 3, '2026-11-30 00:08:20.245029+00', 'RunStopping', '{}', NULL);
INSERT INTO public.htmxchat_events VALUES ('418cb58aeb08410fa505ea2e284fdec7', 4, '2026-11-30 00:08:20.245839+00', 'RunEnded', '{"outcome":"cancelled","error":null}', NULL);
INSERT INTO public.htmxchat_events VALUES ('d80bac4631ba488d90874a3286965085', 1, '2026-11-30 00:08:20.275026+00', 'RunStarted', '{}', NULL);
INSERT INTO public.htmxchat_events VALUES ('d80bac4631ba488d90874a3286965085', 2, '2026-11-30 00:08:20.279543+00', 'StageChanged', '{"name":"Looking"}', NULL);
INSERT INTO public.htmxchat_events VALUES ('d80bac4631ba488d90874a3286965085', 3, '2026-11-30 00:08:20.279581+00', 'ReasoningDelta', '{"text":"Hm. "}', NULL);
INSERT INTO public.htmxchat_events VALUES ('d80bac4631ba488d90874a3286965085', 4, '2026-11-30 00:08:20.279679+00', 'ToolStarted', '{"call_id":"c1","name":"search","summary":"for rain","arguments":{"q":"rain"}}', NULL);
INSERT INTO public.htmxchat_events VALUES ('d80bac4631ba488d90874a3286965085', 5, '2026-11-30 00:08:20.279757+00', 'ToolFinished', '{"call_id":"c1","summary":"2 results","result":[1,2],"failed":false}', NULL);
INSERT INTO public.htmxchat_events VALUES ('d80bac4631ba488d90874a3286965085', 6, '2026-11-30 00:08:20.279871+00', 'SourcesFound', '{"sources":[{"title":"Rain","url":"https://example.com/rain","detail":"section 1","excerpt":"It rains."}]}', NULL);
INSERT INTO public.htmxchat_events VALUES ('d80bac4631ba488d90874a3286965085', 7, '2026-11-30 00:08:20.279877+00', 'TextDelta', '{"text":"**Echo**: to be deleted — naïve 雨 [1]"}', NULL);
INSERT INTO public.htmxchat_events VALUES ('d80bac4631ba488d90874a3286965085', 8, '2026-11-30 00:08:20.279916+00', 'UsageReported', '{"input_tokens":10,"output_tokens":20}', NULL);
INSERT INTO public.htmxchat_events VALUES ('d80bac4631ba488d90874a3286965085', 9, '2026-11-30 00:08:20.280305+00', 'RunEnded', '{"outcome":"completed","error":null}', NULL);
INSERT INTO public.htmxchat_events VALUES ('d0e737d91ae3455ebbd7454623db0b98', 1, '2026-11-30 00:08:20.319978+00', 'RunStarted', '{}', NULL);
INSERT INTO public.htmxchat_events VALUES ('d0e737d91ae3455ebbd7454623db0b98', 2, '2026-11-30 00:08:20.324172+00', 'TextDelta', '{"text":"Thinking. "}', NULL);
INSERT INTO public.htmxchat_events VALUES ('d0e737d91ae3455ebbd7454623db0b98', 3, '2026-11-30 00:08:20.324417+00', 'InputRequested', '{"request_id":"region","prompt":"Which region?","choices":["north","south"]}', NULL);
INSERT INTO public.htmxchat_events VALUES ('3cf6136696dc4e1a8f4adcd01d53d4a1', 1, '2026-11-30 00:08:20.727668+00', 'RunStarted', '{}', NULL);
INSERT INTO public.htmxchat_events VALUES ('3cf6136696dc4e1a8f4adcd01d53d4a1', 2, '2026-11-30 00:08:20.736926+00', 'ScriptProposed', '{"script_id":"script-2","code":"print(6 * 7)","title":"The answer","awaited":true}', NULL);
INSERT INTO public.htmxchat_events VALUES ('169efc43fb494366935d01b46d835d50', 1, '2026-11-30 00:08:21.147925+00', 'RunStarted', '{}', NULL);
INSERT INTO public.htmxchat_events VALUES ('169efc43fb494366935d01b46d835d50', 2, '2026-11-30 00:08:21.151748+00', 'ScriptProposed', '{"script_id":"p1","code":"1 + 1","title":"A sum","awaited":false}', NULL);
INSERT INTO public.htmxchat_events VALUES ('169efc43fb494366935d01b46d835d50', 3, '2026-11-30 00:08:21.151758+00', 'TextDelta', '{"text":"Proposed."}', NULL);
INSERT INTO public.htmxchat_events VALUES ('169efc43fb494366935d01b46d835d50', 4, '2026-11-30 00:08:21.15213+00', 'RunEnded', '{"outcome":"completed","error":null}', NULL);

INSERT INTO public.htmxchat_kogwistar_conversations VALUES ('kc-1', '7', 'Elsewhere', 'elsewhere', true, true, '2026-11-01 12:00:00+00', '2026-11-01 12:00:00+00', NULL);
INSERT INTO public.htmxchat_kogwistar_conversations VALUES ('kc-2', '7', 'Hidden', 'hidden', false, false, '2026-11-01 12:00:00+00', '2026-11-01 12:00:00+00', '2026-11-01 12:00:00+00');

INSERT INTO public.htmxchat_kogwistar_runs VALUES ('kr-1', 'kc-1', 'kt-1', 2, false, 'debug.rag.v1', 'completed', 'ended', '2026-11-01 12:00:00+00', '2026-11-01 12:00:00+00', NULL, NULL, 'kt-2', NULL, '[[1,"2026-11-01T12:00:00+00:00","RunStarted",{}],[2,"2026-11-01T12:00:00+00:00","TextDelta",{"text":"Water."}],[3,"2026-11-01T12:00:00+00:00","RunEnded",{"outcome":"completed","error":null}]]', '[[1,"2026-11-01T12:00:00+00:00","RunStarted",{}],[2,"2026-11-01T12:00:00+00:00","TextDelta",{"text":"Water."}],[3,"2026-11-01T12:00:00+00:00","RunEnded",{"outcome":"completed","error":null}]]', 'Water.', 'water.');
INSERT INTO public.htmxchat_kogwistar_runs VALUES ('kr-2', 'kc-1', 'kt-3', 4, false, 'debug.rag.v1', 'running', 'running', '2026-11-01 12:00:00+00', '2026-11-01 12:00:00+00', NULL, 1, '', NULL, NULL, NULL, '', '');

INSERT INTO public.htmxchat_kogwistar_turns VALUES ('kc-1', 'kt-1', 1, 'What is rain?', 'what is rain?', '2026-11-01 12:00:00+00');
INSERT INTO public.htmxchat_kogwistar_turns VALUES ('kc-1', 'kt-3', 3, 'And snow?', 'and snow?', '2026-11-01 12:00:00+00');

INSERT INTO public.htmxchat_pending_sign_ins VALUES ('d77e19c0da1c67e2163eed7469cff5bb205931ebaeeca98cdd3c0fe7e2a6dc32', '/chat/', true, '', '2026-11-30 00:08:21.207008+00', '2096-11-01 12:00:00+00');

INSERT INTO public.htmxchat_runs VALUES ('e6b13dc0c9ea469ebd93e1bd6b86d2f0', 'ae43a8175b86473da3ae4749387be59c', 'd5b4d76d378e41f8b0021caf86af7701', 'ann', 'completed', '2026-11-30 00:08:19.687526+00', 'c9a29d513cc043d39908790d36521390', '2026-11-30 00:08:19.71148+00', false, NULL, NULL, '[[1,"2026-11-30T00:08:19.687526+00:00","RunStarted",{}],[2,"2026-11-30T00:08:19.697439+00:00","StageChanged",{"name":"Looking"}],[3,"2026-11-30T00:08:19.697486+00:00","ReasoningDelta",{"text":"Hm. "}],[4,"2026-11-30T00:08:19.697659+00:00","ToolStarted",{"call_id":"c1","name":"search","summary":"for rain","arguments":{"q":"rain"}}],[5,"2026-11-30T00:08:19.697895+00:00","ToolFinished",{"call_id":"c1","summary":"2 results","result":[1,2],"failed":false}],[6,"2026-11-30T00:08:19.698044+00:00","SourcesFound",{"sources":[{"title":"Rain","url":"https://example.com/rain","detail":"section 1","excerpt":"It rains."}]}],[7,"2026-11-30T00:08:19.698053+00:00","TextDelta",{"text":"**Echo**: Tell me of rain — naïve 雨 [1]"}],[8,"2026-11-30T00:08:19.698096+00:00","UsageReported",{"input_tokens":10,"output_tokens":20}],[9,"2026-11-30T00:08:19.700102+00:00","RunEnded",{"outcome":"completed","error":null}]]', '**Echo**: Tell me of rain — naïve 雨 [1]', '**echo**: tell me of rain — naïve 雨 [1]');
INSERT INTO public.htmxchat_runs VALUES ('ed9632c46dbd436db1610922ab1070f4', 'ae43a8175b86473da3ae4749387be59c', 'd564a2ce556a4ab3b4d044307c3dc26c', 'ann', 'failed', '2026-11-30 00:08:19.74455+00', 'c9a29d513cc043d39908790d36521390', '2026-11-30 00:08:19.757246+00', false, NULL, NULL, '[[1,"2026-11-30T00:08:19.744550+00:00","RunStarted",{}],[2,"2026-11-30T00:08:19.748878+00:00","TextDelta",{"text":"half"}],[3,"2026-11-30T00:08:19.750015+00:00","RunEnded",{"outcome":"failed","error":"The agent failed while answering. What it wrote is kept."}]]', 'half', '');
INSERT INTO public.htmxchat_runs VALUES ('c270cf3d6be54249b01cd4801c922478', 'ae43a8175b86473da3ae4749387be59c', 'd564a2ce556a4ab3b4d044307c3dc26c', 'ann', 'failed', '2026-11-30 00:08:19.787008+00', 'c9a29d513cc043d39908790d36521390', '2026-11-30 00:08:19.798877+00', false, NULL, NULL, '[[1,"2026-11-30T00:08:19.787008+00:00","RunStarted",{}],[2,"2026-11-30T00:08:19.793950+00:00","TextDelta",{"text":"half"}],[3,"2026-11-30T00:08:19.794861+00:00","RunEnded",{"outcome":"failed","error":"The agent failed while answering. What it wrote is kept."}]]', 'half', 'half');
INSERT INTO public.htmxchat_runs VALUES ('3cf6136696dc4e1a8f4adcd01d53d4a1', '615f458ae4c0436491c0763ef7aae65d', '609a6804ee7a4cf5b2b9509f8714f1cf', 'ben', 'running', '2026-11-30 00:08:20.727668+00', 'c9a29d513cc043d39908790d36521390', '2026-11-30 00:08:20.727668+00', false, 'script-2', 1, NULL, '', '');
INSERT INTO public.htmxchat_runs VALUES ('418cb58aeb08410fa505ea2e284fdec7', 'a5a6f87d2b6e4e8d956867b7cc4f5471', '2639c0df0a904a79b9def8932e1c5e01', 'ann', 'cancelled', '2026-11-30 00:08:19.83101+00', 'c9a29d513cc043d39908790d36521390', '2026-11-30 00:08:20.249772+00', true, NULL, NULL, '[[1,"2026-11-30T00:08:19.831010+00:00","RunStarted",{}],[2,"2026-11-30T00:08:19.834642+00:00","TextDelta",{"text":"w0 "}],[3,"2026-11-30T00:08:20.245029+00:00","RunStopping",{}],[4,"2026-11-30T00:08:20.245839+00:00","RunEnded",{"outcome":"cancelled","error":null}]]', 'w0 ', 'w0 ');
INSERT INTO public.htmxchat_runs VALUES ('d80bac4631ba488d90874a3286965085', '8bbfdec8ebed4015a7746dbe6a4192b7', 'b119d71d765c4fd88dd3ca58114495b9', 'ann', 'completed', '2026-11-30 00:08:20.275026+00', 'c9a29d513cc043d39908790d36521390', '2026-11-30 00:08:20.285046+00', false, NULL, NULL, '[[1,"2026-11-30T00:08:20.275026+00:00","RunStarted",{}],[2,"2026-11-30T00:08:20.279543+00:00","StageChanged",{"name":"Looking"}],[3,"2026-11-30T00:08:20.279581+00:00","ReasoningDelta",{"text":"Hm. "}],[4,"2026-11-30T00:08:20.279679+00:00","ToolStarted",{"call_id":"c1","name":"search","summary":"for rain","arguments":{"q":"rain"}}],[5,"2026-11-30T00:08:20.279757+00:00","ToolFinished",{"call_id":"c1","summary":"2 results","result":[1,2],"failed":false}],[6,"2026-11-30T00:08:20.279871+00:00","SourcesFound",{"sources":[{"title":"Rain","url":"https://example.com/rain","detail":"section 1","excerpt":"It rains."}]}],[7,"2026-11-30T00:08:20.279877+00:00","TextDelta",{"text":"**Echo**: to be deleted — naïve 雨 [1]"}],[8,"2026-11-30T00:08:20.279916+00:00","UsageReported",{"input_tokens":10,"output_tokens":20}],[9,"2026-11-30T00:08:20.280305+00:00","RunEnded",{"outcome":"completed","error":null}]]', '**Echo**: to be deleted — naïve 雨 [1]', '**echo**: to be deleted — naïve 雨 [1]');
INSERT INTO public.htmxchat_runs VALUES ('d0e737d91ae3455ebbd7454623db0b98', 'a2d287bf204d4833bc29e4843e51555e', 'b0a91f31279343078c5caa3202b3977d', 'ben', 'running', '2026-11-30 00:08:20.319978+00', 'c9a29d513cc043d39908790d36521390', '2026-11-30 00:08:20.319978+00', false, 'region', 1, NULL, '', '');
INSERT INTO public.htmxchat_runs VALUES ('169efc43fb494366935d01b46d835d50', '6b879b87edf745da9b6aa43eca460152', 'e1b965f3418f477c864464da7ae64131', 'ben', 'completed', '2026-11-30 00:08:21.147925+00', 'c9a29d513cc043d39908790d36521390', '2026-11-30 00:08:21.157848+00', false, NULL, NULL, '[[1,"2026-11-30T00:08:21.147925+00:00","RunStarted",{}],[2,"2026-11-30T00:08:21.151748+00:00","ScriptProposed",{"script_id":"p1","code":"1 + 1","title":"A sum","awaited":false}],[3,"2026-11-30T00:08:21.151758+00:00","TextDelta",{"text":"Proposed."}],[4,"2026-11-30T00:08:21.152130+00:00","RunEnded",{"outcome":"completed","error":null}]]', 'Proposed.', 'proposed.');

INSERT INTO public.htmxchat_scripts VALUES ('8ab2d77fa5883ba9a0f7b42524d9dc81', '615f458ae4c0436491c0763ef7aae65d', '3cf6136696dc4e1a8f4adcd01d53d4a1', 'proposal:script-2', 'The answer', 'print(6 * 7)', 'queued', 1, '2026-11-30 00:08:20.744438+00', true, false, NULL, false, 0, NULL, NULL, NULL, NULL, NULL, NULL, false);
INSERT INTO public.htmxchat_scripts VALUES ('523d5f8a0b6ca75ea83e7b2758129750', '6b879b87edf745da9b6aa43eca460152', '169efc43fb494366935d01b46d835d50', 'proposal:p1', 'A sum', '1 + 1', 'done', 1, '2026-11-30 00:08:21.15416+00', false, false, '72fce59447a01f488b1169d2d742679cfe306a89772d67fef018bcfe95431f68', false, 3, '2026-11-30 00:08:21.186421+00', '2026-11-30 00:08:21.192797+00', '2026-11-30 00:08:21.197212+00', 'page-1', NULL, '{"state":"done","stdout":"2\n","stderr":"","value":{"kind":"text","text":"2","format":"plain"},"pictures":[],"error":null,"seconds":0.1,"truncated":false,"code":"1 + 1"}', false);
INSERT INTO public.htmxchat_scripts VALUES ('b3a9461418dbe2fc92bd54f4962248fe', 'ae43a8175b86473da3ae4749387be59c', 'e6b13dc0c9ea469ebd93e1bd6b86d2f0', 'block:0', 'Block', 'print(''block'')', 'queued', 1, '2026-11-30 00:08:21.202461+00', false, false, NULL, false, 0, NULL, NULL, NULL, NULL, NULL, NULL, false);

INSERT INTO public.htmxchat_sessions VALUES ('70b418541da77d413246ec0d700eebb8b23852493cfaa4ab4f39009cd68360f0', 'ann', 'Ann', 'token-of-ann', '2026-11-30 00:08:21.20368+00', '2096-11-01 12:00:00+00');

INSERT INTO public.htmxchat_turns VALUES ('d5b4d76d378e41f8b0021caf86af7701', 'ae43a8175b86473da3ae4749387be59c', 'Tell me of rain', 'tell me of rain', '2026-11-30 00:08:19.687526+00');
INSERT INTO public.htmxchat_turns VALUES ('d564a2ce556a4ab3b4d044307c3dc26c', 'ae43a8175b86473da3ae4749387be59c', 'fail', 'fail', '2026-11-30 00:08:19.74455+00');
INSERT INTO public.htmxchat_turns VALUES ('2639c0df0a904a79b9def8932e1c5e01', 'a5a6f87d2b6e4e8d956867b7cc4f5471', 'forever', 'forever', '2026-11-30 00:08:19.83101+00');
INSERT INTO public.htmxchat_turns VALUES ('b119d71d765c4fd88dd3ca58114495b9', '8bbfdec8ebed4015a7746dbe6a4192b7', 'to be deleted', 'to be deleted', '2026-11-30 00:08:20.275026+00');
INSERT INTO public.htmxchat_turns VALUES ('b0a91f31279343078c5caa3202b3977d', 'a2d287bf204d4833bc29e4843e51555e', 'wait', 'wait', '2026-11-30 00:08:20.319978+00');
INSERT INTO public.htmxchat_turns VALUES ('609a6804ee7a4cf5b2b9509f8714f1cf', '615f458ae4c0436491c0763ef7aae65d', 'script', 'script', '2026-11-30 00:08:20.727668+00');
INSERT INTO public.htmxchat_turns VALUES ('e1b965f3418f477c864464da7ae64131', '6b879b87edf745da9b6aa43eca460152', 'propose', 'propose', '2026-11-30 00:08:21.147925+00');

ALTER TABLE ONLY public.htmxchat_answers
    ADD CONSTRAINT htmxchat_answers_pkey PRIMARY KEY (run_id, request_id);

ALTER TABLE ONLY public.htmxchat_conversations
    ADD CONSTRAINT htmxchat_conversations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.htmxchat_events
    ADD CONSTRAINT htmxchat_events_pkey PRIMARY KEY (run_id, seq);

ALTER TABLE ONLY public.htmxchat_kogwistar_conversations
    ADD CONSTRAINT htmxchat_kogwistar_conversations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.htmxchat_kogwistar_runs
    ADD CONSTRAINT htmxchat_kogwistar_one_live_run UNIQUE (conversation_id, active);

ALTER TABLE ONLY public.htmxchat_kogwistar_runs
    ADD CONSTRAINT htmxchat_kogwistar_runs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.htmxchat_kogwistar_turns
    ADD CONSTRAINT htmxchat_kogwistar_turns_pkey PRIMARY KEY (conversation_id, id);

ALTER TABLE ONLY public.htmxchat_runs
    ADD CONSTRAINT htmxchat_one_live_run UNIQUE (conversation_id, active);

ALTER TABLE ONLY public.htmxchat_pending_sign_ins
    ADD CONSTRAINT htmxchat_pending_sign_ins_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.htmxchat_runs
    ADD CONSTRAINT htmxchat_runs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.htmxchat_scripts
    ADD CONSTRAINT htmxchat_scripts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.htmxchat_sessions
    ADD CONSTRAINT htmxchat_sessions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.htmxchat_turns
    ADD CONSTRAINT htmxchat_turns_pkey PRIMARY KEY (id);

CREATE INDEX htmxchat_conversations_by_user ON public.htmxchat_conversations USING btree (user_id, updated_at, id);

CREATE INDEX htmxchat_kogwistar_conversations_by_user ON public.htmxchat_kogwistar_conversations USING btree (user_id, updated_at, id);

CREATE INDEX htmxchat_kogwistar_runs_by_conversation ON public.htmxchat_kogwistar_runs USING btree (conversation_id, place);

CREATE INDEX htmxchat_runs_by_conversation ON public.htmxchat_runs USING btree (conversation_id, created_at);

CREATE INDEX htmxchat_runs_by_user ON public.htmxchat_runs USING btree (user_id, active, alive_at);

CREATE INDEX htmxchat_scripts_by_conversation ON public.htmxchat_scripts USING btree (conversation_id, "position");

CREATE INDEX htmxchat_scripts_by_run ON public.htmxchat_scripts USING btree (run_id);

CREATE INDEX htmxchat_turns_by_conversation ON public.htmxchat_turns USING btree (conversation_id, created_at);

CREATE INDEX ix_htmxchat_conversations_deleted_at ON public.htmxchat_conversations USING btree (deleted_at);

CREATE INDEX ix_htmxchat_pending_sign_ins_expires_at ON public.htmxchat_pending_sign_ins USING btree (expires_at);

CREATE INDEX ix_htmxchat_runs_turn_id ON public.htmxchat_runs USING btree (turn_id);

CREATE INDEX ix_htmxchat_sessions_expires_at ON public.htmxchat_sessions USING btree (expires_at);

ALTER TABLE ONLY public.htmxchat_answers
    ADD CONSTRAINT htmxchat_answers_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.htmxchat_runs(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.htmxchat_events
    ADD CONSTRAINT htmxchat_events_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.htmxchat_runs(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.htmxchat_kogwistar_runs
    ADD CONSTRAINT htmxchat_kogwistar_runs_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES public.htmxchat_kogwistar_conversations(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.htmxchat_kogwistar_turns
    ADD CONSTRAINT htmxchat_kogwistar_turns_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES public.htmxchat_kogwistar_conversations(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.htmxchat_runs
    ADD CONSTRAINT htmxchat_runs_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES public.htmxchat_conversations(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.htmxchat_runs
    ADD CONSTRAINT htmxchat_runs_turn_id_fkey FOREIGN KEY (turn_id) REFERENCES public.htmxchat_turns(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.htmxchat_turns
    ADD CONSTRAINT htmxchat_turns_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES public.htmxchat_conversations(id) ON DELETE CASCADE;

