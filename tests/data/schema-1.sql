CREATE TABLE facts (
	name VARCHAR(50) NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);
CREATE TABLE tokens (
	digest VARCHAR(64) NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	name VARCHAR(500) NOT NULL, 
	created FLOAT NOT NULL, 
	PRIMARY KEY (digest), 
	UNIQUE (kind, name)
);
CREATE TABLE computers (
	id INTEGER NOT NULL, 
	computer_id VARCHAR(200) NOT NULL, 
	address TEXT DEFAULT '' NOT NULL, 
	netmask TEXT DEFAULT '' NOT NULL, 
	created FLOAT NOT NULL, 
	last_seen FLOAT, 
	revision BIGINT DEFAULT '1' NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (computer_id)
);
CREATE TABLE events (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	at FLOAT NOT NULL, 
	kind VARCHAR(50) NOT NULL, 
	subject TEXT NOT NULL, 
	reference TEXT NOT NULL, 
	computer_id VARCHAR(200), 
	actor VARCHAR(500) NOT NULL, 
	cause TEXT NOT NULL
);
CREATE INDEX events_reference ON events (reference, id);
CREATE INDEX events_subject ON events (subject, id);
CREATE TABLE usages (
	id INTEGER NOT NULL, 
	computer_id VARCHAR(200) NOT NULL, 
	at FLOAT NOT NULL, 
	report TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE partitions (
	id INTEGER NOT NULL, 
	computer_key INTEGER NOT NULL, 
	partition_id VARCHAR(200) NOT NULL, 
	position INTEGER NOT NULL, 
	offered BOOLEAN NOT NULL, 
	addresses TEXT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (computer_key, partition_id), 
	FOREIGN KEY(computer_key) REFERENCES computers (id)
);
CREATE TABLE supplies (
	id INTEGER NOT NULL, 
	computer_key INTEGER NOT NULL, 
	url TEXT NOT NULL, 
	requested_state VARCHAR(20) NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	cause TEXT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (computer_key, url), 
	FOREIGN KEY(computer_key) REFERENCES computers (id)
);
CREATE TABLE instances (
	id INTEGER NOT NULL, 
	guid VARCHAR(100) NOT NULL, 
	title VARCHAR(200) NOT NULL, 
	scope VARCHAR(100), 
	root_key INTEGER, 
	requester_key INTEGER, 
	owner VARCHAR(200) NOT NULL, 
	shared BOOLEAN NOT NULL, 
	host_key INTEGER, 
	release_url TEXT NOT NULL, 
	software_type VARCHAR(200) NOT NULL, 
	wished_state VARCHAR(20) NOT NULL, 
	parameters TEXT NOT NULL, 
	connection TEXT NOT NULL, 
	filters TEXT NOT NULL, 
	partition_key INTEGER, 
	timestamp BIGINT NOT NULL, 
	changed_timestamp BIGINT NOT NULL, 
	changed_revision BIGINT NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	cause TEXT NOT NULL, 
	wiped BOOLEAN NOT NULL, 
	created FLOAT NOT NULL, 
	ended FLOAT, 
	PRIMARY KEY (id), 
	UNIQUE (scope, title), 
	UNIQUE (guid), 
	FOREIGN KEY(root_key) REFERENCES instances (id), 
	FOREIGN KEY(requester_key) REFERENCES instances (id), 
	FOREIGN KEY(host_key) REFERENCES instances (id), 
	UNIQUE (partition_key), 
	FOREIGN KEY(partition_key) REFERENCES partitions (id)
);
CREATE INDEX ix_instances_host_key ON instances (host_key);
CREATE INDEX instances_title ON instances (title);
CREATE INDEX instances_root ON instances (root_key);
CREATE INDEX ix_instances_requester_key ON instances (requester_key);
