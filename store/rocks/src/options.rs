//! What can be set, and what it means to RocksDB.

use rocksdb::{BlockBasedOptions, Cache, DBCompactionStyle, DBCompressionType, Env, LogLevel};
use store_engine::{Error, Result};

use crate::error::map;

const MIB: usize = 1 << 20;
/// Levels below this are rewritten too often to be worth compressing.
const PLAIN_LEVELS: usize = 2;
const LEVELS: usize = 7;
/// Sorted runs at which some are merged: more mean fewer bytes rewritten, and more places for a read to look.
const RUNS: i32 = 48;
/// Sorted runs at which writes are slowed down, and stopped. A merge of everything takes a while, and flushes go on.
const RUNS_SLOW: i32 = 80;
const RUNS_STOP: i32 = 112;

/// A write buffer is filled in parts of this size, which are merged when it is written out. The place of a new key is
/// found in half the time in a sorted list that stays in the processor's cache.
const PART: usize = 4 * MIB;

/// Options of an engine. The defaults keep it near 200 MiB of memory at a few million entries and suit two cores.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// Bytes of the cache of uncompressed blocks. Indexes and filters of open tables come on top.
    pub cache_bytes: usize,
    /// Bytes of one write buffer. A full buffer is written to the disk in the background.
    pub write_buffer_bytes: usize,
    /// How many write buffers there may be; with all full, writes wait.
    pub write_buffers: u32,
    /// Threads for flushes and compactions together.
    pub background_jobs: u32,
    /// Most bytes a second that flushes and compactions write; `None` = as fast as the disk.
    pub background_bytes_per_second: Option<u64>,
    /// Most table files held open.
    pub open_files: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_bytes: 64 * MIB,
            write_buffer_bytes: 48 * MIB,
            write_buffers: 2,
            background_jobs: 3,
            background_bytes_per_second: None,
            open_files: 512,
        }
    }
}

/// The options and the one cache, which outlives the databases that an install replaces.
pub(crate) struct Settings {
    options: Options,
    pub(crate) cache: Cache,
    env: Env,
}

impl Settings {
    pub(crate) fn new(options: Options) -> Result<Self> {
        let cache = Cache::new_lru_cache(options.cache_bytes).map_err(|error| map("make the block cache", error))?;
        let mut env = Env::new().map_err(|error| map("reach the system", error))?;
        // Merging may take its time; what somebody waits for runs first.
        env.lower_thread_pool_cpu_priority();
        Ok(Self { options, cache, env })
    }

    /// Opens a database that nobody may change.
    pub(crate) fn open_read_only(&self, path: &std::path::Path) -> Result<rocksdb::DB> {
        let options = self.database(false, false);
        let names = [rocksdb::DEFAULT_COLUMN_FAMILY_NAME];
        rocksdb::DB::open_cf_for_read_only(&options, path, names, false)
            .map_err(|error| map("open the database", error))
    }

    /// Opens the database in a folder with these settings.
    pub(crate) fn open(&self, path: &std::path::Path, create: bool) -> Result<rocksdb::DB> {
        match self.open_with(path, create, true) {
            // A RocksDB built without LZ4; tables say themselves how they are compressed.
            Err(Error::Io { source, .. }) if source.to_string().contains("is not linked with the binary") => {
                tracing::warn!("RocksDB was built without LZ4, storing uncompressed");
                self.open_with(path, create, false)
            }
            outcome => outcome,
        }
    }

    fn open_with(&self, path: &std::path::Path, create: bool, compress: bool) -> Result<rocksdb::DB> {
        let options = self.database(create, compress);
        // Named, so that the column family has a handle: batched reads ask for one.
        let family = rocksdb::ColumnFamilyDescriptor::new(rocksdb::DEFAULT_COLUMN_FAMILY_NAME, options.clone());
        rocksdb::DB::open_cf_descriptors(&options, path, [family]).map_err(|error| map("open the database", error))
    }

    fn database(&self, create: bool, compress: bool) -> rocksdb::Options {
        let given = &self.options;
        let mut options = rocksdb::Options::default();
        options.create_if_missing(create);
        options.set_env(&self.env);
        options.set_paranoid_checks(true);
        options.set_max_open_files(i32::try_from(given.open_files).unwrap_or(i32::MAX));
        // Memory.
        let parts = (given.write_buffer_bytes / PART).max(1);
        let most = parts.saturating_mul(given.write_buffers.max(2) as usize);
        options.set_write_buffer_size(given.write_buffer_bytes / parts);
        options.set_min_write_buffer_number_to_merge(i32::try_from(parts).unwrap_or(i32::MAX));
        options.set_max_write_buffer_number(i32::try_from(most).unwrap_or(i32::MAX));
        options.set_memtable_prefix_bloom_ratio(0.05);
        options.set_memtable_whole_key_filtering(true);
        options.set_block_based_table_factory(&self.tables());
        // One thread writes at a time, so parallel insertion and spinning between writers only cost.
        options.set_allow_concurrent_memtable_write(false);
        options.set_enable_write_thread_adaptive_yield(false);
        // The shape of the tree.
        options.set_num_levels(LEVELS as i32);
        options.set_compaction_style(DBCompactionStyle::Universal);
        options.set_level_zero_file_num_compaction_trigger(RUNS);
        options.set_level_zero_slowdown_writes_trigger(RUNS_SLOW);
        options.set_level_zero_stop_writes_trigger(RUNS_STOP);
        options.set_target_file_size_base(64 * MIB as u64);
        options.set_compression_type(if compress {
            DBCompressionType::Lz4
        } else {
            DBCompressionType::None
        });
        if compress {
            let mut levels = [DBCompressionType::Lz4; LEVELS];
            levels
                .iter_mut()
                .take(PLAIN_LEVELS)
                .for_each(|level| *level = DBCompressionType::None);
            options.set_compression_per_level(&levels);
        }
        // The disk: written out steadily, so that no fsync has to wait for much.
        options.set_max_background_jobs(i32::try_from(given.background_jobs.max(1)).unwrap_or(i32::MAX));
        options.set_bytes_per_sync(MIB as u64);
        options.set_compaction_readahead_size(2 * MIB);
        if let Some(rate) = given.background_bytes_per_second {
            options.set_ratelimiter(i64::try_from(rate).unwrap_or(i64::MAX), 100_000, 10);
        }
        // Its own log holds warnings only, and little of them.
        options.set_log_level(LogLevel::Warn);
        options.set_keep_log_file_num(2);
        options.set_max_log_file_size(MIB);
        options.set_stats_dump_period_sec(0);
        options.set_stats_persist_period_sec(0);
        options
    }

    fn tables(&self) -> BlockBasedOptions {
        let mut tables = BlockBasedOptions::default();
        tables.set_block_cache(&self.cache);
        tables.set_block_size(8 << 10);
        tables.set_format_version(5);
        tables.set_bloom_filter(10.0, false);
        tables.set_whole_key_filtering(true);
        // Indexes and filters stay with their open table, some 2 bytes an entry. In a small cache they would push each
        // other out: one of them is a large part of a shard, and a read that has to load it takes 0.3 ms, not 2 us.
        tables.set_cache_index_and_filter_blocks(false);
        tables
    }
}
