-- Library: categories, rules, skills, saved commands, memories and transcripts; what agents gained (library.md §15).

CREATE UNIQUE INDEX agents_by_slug ON agents(user_id, slug) WHERE slug IS NOT NULL;
CREATE INDEX agents_by_user ON agents(user_id, name);
CREATE INDEX agents_by_template ON agents(user_id, source_template) WHERE source_template IS NOT NULL;

CREATE TABLE agent_categories (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  slug TEXT NOT NULL, label TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (user_id, slug)
);
CREATE TRIGGER agent_categories_full BEFORE INSERT ON agent_categories
WHEN (SELECT COUNT(*) FROM agent_categories WHERE user_id = NEW.user_id) >= 50 BEGIN
  SELECT RAISE(ABORT, 'You can have at most 50 categories');
END;

CREATE TABLE agent_rules (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  name TEXT NOT NULL, content TEXT NOT NULL DEFAULT '', type TEXT NOT NULL DEFAULT 'rules',
  created_at INTEGER NOT NULL
);
CREATE INDEX agent_rules_by_user ON agent_rules(user_id);

-- The legacy table that /api/rules still reads and writes on request.
CREATE TABLE agent_skills (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  name TEXT NOT NULL, content TEXT NOT NULL DEFAULT '', type TEXT NOT NULL DEFAULT 'skills',
  created_at INTEGER NOT NULL
);
CREATE INDEX agent_skills_by_user ON agent_skills(user_id);

CREATE TABLE skills (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  name TEXT NOT NULL, description TEXT,
  type TEXT NOT NULL DEFAULT 'runbook' CHECK (type IN ('runbook', 'tool', 'prompt', 'workflow')),
  content TEXT NOT NULL,
  model TEXT DEFAULT 'minimax/minimax-m2.7',
  is_public INTEGER NOT NULL DEFAULT 0 CHECK (is_public IN (0, 1)),
  tags TEXT NOT NULL DEFAULT '[]', usage_count INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
);
CREATE INDEX skills_by_user ON skills(user_id, updated_at);

CREATE TABLE custom_commands (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  name TEXT NOT NULL, description TEXT NOT NULL DEFAULT '', template TEXT NOT NULL,
  created_at INTEGER NOT NULL
);
CREATE INDEX custom_commands_by_user ON custom_commands(user_id);

CREATE TABLE memories (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  lane TEXT NOT NULL CHECK (lane IN ('session', 'semantic', 'episodic', 'procedural')),
  content TEXT NOT NULL CHECK (length(content) <= 16000),
  metadata TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
);
CREATE INDEX memories_by_lane ON memories(user_id, lane, created_at);
CREATE INDEX memories_by_user ON memories(user_id, created_at);

CREATE TABLE conversations (
  id TEXT PRIMARY KEY,  -- chosen by the client, one name space for everybody
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  model TEXT NOT NULL DEFAULT 'minimax/minimax-m2.7', mode TEXT NOT NULL DEFAULT 'AUTO', title TEXT,
  messages TEXT NOT NULL DEFAULT '[]', local_msgs TEXT NOT NULL DEFAULT '[]',
  harness_state TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
);
CREATE INDEX conversations_by_user ON conversations(user_id, updated_at);
