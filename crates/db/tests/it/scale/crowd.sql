-- 100 projects; project 1 has every second vault, and with them half of everything.
-- Indexes are made at the end, and nobody checks what names what: both take hours otherwise.
SET session_replication_role = replica;
CREATE TABLE kept AS SELECT indexname, indexdef FROM pg_indexes WHERE indexname LIKE 'by\_%';
DO $$ DECLARE it record; BEGIN
    FOR it IN SELECT * FROM kept LOOP EXECUTE format('DROP INDEX %I', it.indexname); END LOOP;
END $$;

CREATE FUNCTION project(vault bigint) RETURNS text IMMUTABLE LANGUAGE sql AS $$
    SELECT repeat(lpad(to_hex(CASE WHEN vault % 2 = 0 THEN 1 ELSE 2 + vault / 2 % 99 END), 2, '0'), 16)
$$;
CREATE FUNCTION id(kind text, number bigint) RETURNS text IMMUTABLE LANGUAGE sql AS $$
    SELECT md5(kind || number)::uuid::text
$$;

INSERT INTO iam_domain VALUES (repeat('01', 16), 'acme', true, 0);
INSERT INTO iam_project (id, domain_id, name, description, is_enabled, created_at)
SELECT project(n), repeat('01', 16), 'eu-de_' || n, '', true, 0
FROM (SELECT DISTINCT ON (project(n)) n FROM generate_series(0::bigint, 300) n) of;

INSERT INTO cbr_vault (id, project_id, user_id, created_at, name, description, object_type,
    protect_type, consistent_level, cloud_type, size_gb, status, threshold, sends_notices,
    is_auto_bind, bind_rules, tags, is_auto_expand, is_locked, backup_name_prefix,
    enterprise_project_id, used_bytes)
SELECT id('v', v), project(v), repeat('03', 16), v * 1000, 'vault-' || v, '', 'disk', 'backup',
    'crash_consistent', 'public', 100, 'available', 80, true, false, '[]', '[]', false, false, '',
    '0', 0
FROM generate_series(1::bigint, 10000) v;

INSERT INTO cbr_vault_resource (resource_id, vault_id, project_id, position, resource_type, name,
    size_gb, protect_status, selection, backup_bytes, backup_count)
SELECT id('r', r), id('v', r % 10000 + 1), project(r % 10000 + 1), r / 10000, 'OS::Cinder::Volume',
    'disk-' || r, 10, 'available', '{}', 0, 10
FROM generate_series(0::bigint, 99999) r;

INSERT INTO cbr_checkpoint (id, project_id, vault_id, name, description, is_automatic, skipped,
    created_at)
SELECT id('c', c), project(c % 10000 + 1), id('v', c % 10000 + 1), 'autobk_' || c, '', true, '[]',
    c * 1000
FROM generate_series(0::bigint, 499999) c;

-- Backup n is in vault n % 10000, of one of its ten resources. Every twentieth is a server's.
INSERT INTO cbr_backup (id, checkpoint_id, project_id, vault_id, parent_id, position, name,
    description, status, image_type, resource_id, resource_type, resource_name, resource_size_gb,
    resource_zone, is_automatic, is_incremental, is_encrypted, is_system_disk, created_at,
    updated_at, protected_at, expires_at, stored_bytes)
SELECT id('b' || part, n), id('c', n % 500000), project(n % 10000 + 1), id('v', n % 10000 + 1),
    CASE WHEN part > 0 THEN id('b0', n) END, part, 'autobk_' || n, '',
    CASE WHEN n % 991 < 2 THEN 'error' WHEN n % 991 = 2 THEN 'deleting' ELSE 'available' END,
    'backup', id('r', n % 100000),
    CASE WHEN part = 0 AND n % 19 = 0 THEN 'OS::Nova::Server' ELSE 'OS::Cinder::Volume' END,
    'disk-' || n % 100000, 10, 'eu-de-0' || n % 3, true, n % 7 > 0, false, false,
    n * 1000 + 50000, n * 1000 + 60000, n * 1000 + 60000, (n + 1000000) * 1000, 1000000
FROM generate_series(0::bigint, 999999) n, generate_series(0::bigint, 2) part
WHERE part = 0 OR n % 19 = 0;

-- Task n is of vault n % 10000.
INSERT INTO cbr_task (id, project_id, kind, status, shown_status, progress, bytes_done, bytes_total,
    failure_code, failure_message, request_id, object_type, vault_id, vault_name, checkpoint_id,
    resource_id, resource_name, details, created_at, updated_at, started_at, ended_at)
SELECT id('t', n), project(n % 10000 + 1),
    CASE WHEN n % 97 = 0 THEN 'restore' WHEN n % 97 < 10 THEN 'delete' ELSE 'backup' END,
    status, status, 100, 1000000, 1000000, CASE WHEN status = 'failed' THEN 'BackupService.0001' END,
    CASE WHEN status = 'failed' THEN 'it failed' END, 'req-' || id('q', n),
    CASE WHEN n % 19 = 0 THEN 'server' ELSE 'disk' END, id('v', n % 10000 + 1),
    'vault-' || n % 10000 + 1, id('c', n % 500000), id('r', n % 100000), 'disk-' || n % 100000,
    format('{"resource":{"id":"%s","resource_type":"OS::Cinder::Volume","name":"disk-%s"}}',
        id('r', n % 100000), n % 100000),
    n * 1000, n * 1000 + 500, n * 1000 + 100, CASE WHEN status <> 'running' THEN n * 1000 + 500 END
FROM (
    SELECT n, CASE WHEN n > 4999000 THEN 'running' WHEN n % 101 = 0 THEN 'failed' ELSE 'success' END
        AS status
    FROM generate_series(0::bigint, 4999999) n
) of;

INSERT INTO cbr_count
SELECT project_id, 'backup', count(*) FROM cbr_backup WHERE parent_id IS NULL GROUP BY project_id
UNION ALL SELECT project_id, 'task', count(*) FROM cbr_task GROUP BY project_id;

-- Of the runtime's tasks 5,000 wait.
INSERT INTO task (id, workflow, version, queue, params, keys, request, created_at, state, ended_as,
    fence, is_cancel_requested, ended_at, progress)
SELECT id('t', n), 'backup', 1, 'default', '{}', '[]', 'req', n * 1000,
    CASE WHEN n < 495000 THEN 'ended' ELSE 'waiting' END,
    CASE WHEN n < 495000 THEN 'succeeded' END, 0, false, CASE WHEN n < 495000 THEN 1 END,
    '{"phase":"","done":0,"total":0,"stored":0,"rate":0}'
FROM generate_series(0::bigint, 499999) n;
INSERT INTO task_key SELECT id, 'resource/' || id FROM task WHERE state = 'waiting';

DO $$ DECLARE it record; BEGIN
    FOR it IN SELECT * FROM kept LOOP EXECUTE it.indexdef; END LOOP;
END $$;
