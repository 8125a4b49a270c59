// A shard's rows as one file, so that a restart reads columns instead of every profile. Only a copy: whoever
// cannot read it loads the shard from Redis; so does whoever finds an offset in it beyond that of Redis,
// which was restored from an older copy then. From its offset on the events of zhida.profile are read again:
// Redis keeps what it has (store::profiles::put), the rows catch up.
//
// Little-endian. A header: magic, format version, shard, fingerprint of the column layouts, lineage and
// offset of the shard (store::shard_place), numbers of rows, its own CRC-32C. Then for enterprises and for
// residents each: columns, rows that columns cannot hold, ordinals, phones, openids; every section with its
// length and CRC-32C.
#pragma once

#include "common/base/error.hpp"
#include "services/matcher/shard_rows.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace zhida::matcher {

struct snapshot_place {
    int shard = 0;
    std::string lineage;             // 16 hex digits: store::shard_place
    std::int64_t applied_offset = 0; // the rows are those after the events before it
};

struct snapshot {
    shard_rows rows;
    std::int64_t applied_offset = 0;
};

// Of both layouts, 32 hex digits: made once, for every snapshot of the process.
std::string fingerprint(const row_layouts& layouts);

// All the bytes but the checksums, at the speed of copying: the matcher waits for this.
std::string encode_snapshot(const shard_rows& rows, const snapshot_place& place,
                            std::string_view fingerprint);
// Puts the checksums in. The rest of the work may be done by another thread.
void seal_snapshot(std::string& image);
// Seals, writes beside and renames: whoever reads sees the file before or the file after. io: says which
// step.
result<void> write_snapshot(const std::string& path, std::string image);

// invalid: damaged, cut off, of another version, layout, shard or lineage; says which. No length in it is
// believed before the bytes are there.
result<snapshot> decode_snapshot(std::string_view bytes, const row_layouts& layouts,
                                 std::string_view fingerprint, int shard, std::string_view lineage);
// not_found: there is none yet.
result<snapshot> read_snapshot(const std::string& path, const row_layouts& layouts,
                               std::string_view fingerprint, int shard, std::string_view lineage);

} // namespace zhida::matcher
