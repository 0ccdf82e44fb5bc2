-- Tables for the rows of `bpftrace-correlate export --format protobuf --table NAME` (export/rows.proto). Columns match the
-- messages' fields by name. Those that a later version adds are filled with their defaults. See docs/fleet.md.

CREATE TABLE IF NOT EXISTS events
(
    host LowCardinality(String),
    boot_id LowCardinality(String),
    time_ns Int64 CODEC(Delta, ZSTD),
    time DateTime64(9, 'UTC') ALIAS fromUnixTimestamp64Nano(time_ns, 'UTC'),
    time_mono_ns UInt64 CODEC(Delta, ZSTD),
    event LowCardinality(String),
    cpu UInt32,
    pid Int32,
    tid Int32,
    comm LowCardinality(String),
    context LowCardinality(String),
    reason UInt64,
    reason_name LowCardinality(String),
    location LowCardinality(String),
    ifindex UInt32,
    ifname LowCardinality(String),
    netns UInt64,
    netns_name LowCardinality(String),
    length UInt32,
    segments UInt32,
    src String,
    dst String,
    l4 UInt32,
    l4_name LowCardinality(String),
    sport UInt32,
    dport UInt32,
    vlan UInt32,
    tunnel LowCardinality(String),
    inner_src String,
    inner_dst String,
    inner_l4 UInt32,
    inner_l4_name LowCardinality(String),
    inner_sport UInt32,
    inner_dport UInt32,
    evidence LowCardinality(String),
    verdict LowCardinality(String),
    why LowCardinality(String),
    program_ids Array(UInt32),
    programs Array(LowCardinality(String)),
    tags Array(LowCardinality(String)),
    functions Array(LowCardinality(String)),
    files Array(LowCardinality(String)),
    lines Array(UInt32),
    attachments Array(LowCardinality(String)),
    hook LowCardinality(String),
    stack UInt64,
    stack_omitted Bool,
    fields Map(String, String)
)
ENGINE = MergeTree
PARTITION BY toDate(intDiv(time_ns, 1000000000))
ORDER BY (event, reason_name, host, time_ns)
TTL toDateTime(intDiv(time_ns, 1000000000)) + INTERVAL 14 DAY;

CREATE TABLE IF NOT EXISTS kinds
(
    host LowCardinality(String),
    boot_id LowCardinality(String),
    time_ns Int64 CODEC(Delta, ZSTD),
    time DateTime64(9, 'UTC') ALIAS fromUnixTimestamp64Nano(time_ns, 'UTC'),
    seconds Float64,
    event LowCardinality(String),
    location LowCardinality(String),
    reason UInt64,
    reason_name LowCardinality(String),
    netns UInt64,
    netns_name LowCardinality(String),
    ifindex UInt32,
    ifname LowCardinality(String),
    program_id UInt32,
    other Bool,
    count UInt64
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(toDate(intDiv(time_ns, 1000000000)))
ORDER BY (event, reason_name, host, time_ns)
TTL toDateTime(intDiv(time_ns, 1000000000)) + INTERVAL 400 DAY;

CREATE TABLE IF NOT EXISTS programs
(
    host LowCardinality(String),
    boot_id LowCardinality(String),
    program_id UInt32,
    name LowCardinality(String),
    tag LowCardinality(String),
    type LowCardinality(String),
    loaded_ns Int64 CODEC(Delta, ZSTD),
    loaded DateTime64(9, 'UTC') ALIAS fromUnixTimestamp64Nano(loaded_ns, 'UTC'),
    unloaded_ns Int64 CODEC(Delta, ZSTD),
    unloaded DateTime64(9, 'UTC') ALIAS fromUnixTimestamp64Nano(unloaded_ns, 'UTC'),
    uid UInt32,
    loader_pid Int32,
    loader_comm LowCardinality(String),
    loader_cgroup String,
    functions Array(String),
    pins Array(String),
    ours Bool
)
ENGINE = ReplacingMergeTree
ORDER BY (host, boot_id, program_id);

CREATE TABLE IF NOT EXISTS stacks
(
    stack UInt64,
    symbols Array(LowCardinality(String)),
    kinds Array(LowCardinality(String)),
    files Array(LowCardinality(String)),
    lines Array(UInt32)
)
ENGINE = ReplacingMergeTree
ORDER BY stack;

CREATE TABLE IF NOT EXISTS attachments
(
    host LowCardinality(String),
    boot_id LowCardinality(String),
    program_id UInt32,
    hook LowCardinality(String),
    direction LowCardinality(String),
    mode LowCardinality(String),
    netns UInt64,
    netns_name LowCardinality(String),
    ifindex UInt32,
    ifname LowCardinality(String),
    chain UInt32,
    pref UInt32,
    handle UInt32,
    link_id UInt32,
    attach_type LowCardinality(String),
    cgroup String,
    position UInt32,
    positions UInt32,
    seen_from_ns Int64 CODEC(Delta, ZSTD),
    seen_from DateTime64(9, 'UTC') ALIAS fromUnixTimestamp64Nano(seen_from_ns, 'UTC'),
    seen_to_ns Int64 CODEC(Delta, ZSTD),
    seen_to DateTime64(9, 'UTC') ALIAS fromUnixTimestamp64Nano(seen_to_ns, 'UTC'),
    description String
)
ENGINE = ReplacingMergeTree
ORDER BY (host, boot_id, program_id, netns, ifindex, hook, direction, description, seen_from_ns);

CREATE TABLE IF NOT EXISTS counts
(
    host LowCardinality(String),
    boot_id LowCardinality(String),
    event LowCardinality(String),
    cpu UInt32,
    counted UInt64,
    written UInt64,
    only_counted UInt64,
    lost UInt64,
    missed UInt64,
    filtered UInt64
)
ENGINE = MergeTree
ORDER BY (event, host, cpu);
