#include "services/matcher/snapshot.hpp"

#include "common/base/crc32c.hpp"
#include "common/base/crypto.hpp"

#include <array>
#include <bit>
#include <cstring>

static_assert(std::endian::native == std::endian::little, "columns are written as they lie in memory");

namespace zhida::matcher {

namespace {

constexpr std::string_view magic = "ZHIDAROW";
constexpr std::uint32_t format_version = 1;
constexpr std::size_t fingerprint_size = 32, lineage_size = 16;

// Where the fields of the header are.
constexpr std::size_t at_version = 8, at_shard = 12, at_fingerprint = 16, at_lineage = at_fingerprint + 32,
                      at_offset = at_lineage + 16, at_strays = at_offset + 8, at_rows = at_strays + 8,
                      at_checksum = at_rows + 16, header_size = at_checksum + 8;
constexpr std::size_t section_head = 16; // length, checksum, zeros
constexpr subject_type both_types[] = {subject_type::enterprise, subject_type::resident};

template <class T>
void put(std::string& to, T value) {
    char raw[sizeof(T)];
    std::memcpy(raw, &value, sizeof(T));
    to.append(raw, sizeof(T));
}

template <class T>
T get(std::string_view from, std::size_t at) {
    T value;
    std::memcpy(&value, from.data() + at, sizeof(T));
    return value;
}

void put_text(std::string& to, std::string_view text, std::size_t size) {
    to += text.substr(0, size);
    to.append(size - std::min(size, text.size()), '\0');
}

std::string_view text_at(std::string_view from, std::size_t at, std::size_t size) {
    const auto field = from.substr(at, size);
    return field.substr(0, std::min(field.find('\0'), size));
}

// Appends a section; its length is put in once its bytes are there.
template <class Write>
void section(std::string& to, Write write) {
    const auto head = to.size();
    to.append(section_head, '\0');
    write();
    const std::uint64_t length = to.size() - head - section_head;
    std::memcpy(to.data() + head, &length, sizeof length);
}

template <class T>
void append(std::string& to, const std::vector<T>& all) {
    if (!all.empty()) to.append(reinterpret_cast<const char*>(all.data()), all.size() * sizeof(T));
}

// Row, mask of what is known, and the values of that.
void append_odd(std::string& to, const matching::columns& rows) {
    for (const auto& [row, values] : rows.odd()) {
        put<std::uint64_t>(to, row);
        put<std::uint64_t>(to, values.known);
        for (auto left = values.known; left; left &= left - 1)
            put<std::int64_t>(to, values.value[static_cast<std::size_t>(std::countr_zero(left))]);
    }
}

bool read_odd(std::string_view bytes, std::size_t rows, std::unordered_map<std::size_t, attribute_row>& odd) {
    for (std::size_t at = 0; at < bytes.size();) {
        if (bytes.size() - at < 16) return false;
        const auto row = get<std::uint64_t>(bytes, at);
        attribute_row values;
        values.known = get<std::uint64_t>(bytes, at + 8);
        at += 16;
        const auto count = static_cast<std::size_t>(std::popcount(values.known));
        if (row >= rows || (bytes.size() - at) / 8 < count) return false;
        for (auto left = values.known; left; left &= left - 1, at += 8)
            values.value[static_cast<std::size_t>(std::countr_zero(left))] = get<std::int64_t>(bytes, at);
        if (!odd.emplace(row, values).second) return false;
    }
    return true;
}

template <class T>
bool read_array(std::string_view bytes, std::size_t count, std::vector<T>& to) {
    if (bytes.size() != count * sizeof(T)) return false;
    to.resize(count);
    if (count > 0) std::memcpy(to.data(), bytes.data(), bytes.size());
    return true;
}

failure bad(std::string what) {
    return {errc::invalid, std::move(what), "", "it is loaded from Redis instead"};
}

// The sections of a file, one after another.
class sections {
  public:
    explicit sections(std::string_view rest) : rest_(rest) {}
    bool next(std::string_view& out) {
        if (rest_.size() < section_head) return false;
        const auto length = get<std::uint64_t>(rest_, 0);
        if (length > rest_.size() - section_head || get<std::uint32_t>(rest_, 12) != 0) return false;
        out = rest_.substr(section_head, static_cast<std::size_t>(length));
        if (crc32c(out) != get<std::uint32_t>(rest_, 8)) return false;
        rest_.remove_prefix(section_head + out.size());
        return true;
    }
    bool done() const noexcept { return rest_.empty(); }

  private:
    std::string_view rest_;
};

bool read_part(sections& in, std::size_t rows, shard_rows::part& to) {
    std::string_view table, odd_bytes, ordinals, phones, openids;
    if (!in.next(table) || !in.next(odd_bytes) || !in.next(ordinals) || !in.next(phones) || !in.next(openids))
        return false;
    // Nothing is reserved for rows whose bytes are not there.
    if (ordinals.size() / sizeof(std::uint32_t) != rows || table.size() != to.rows.saved_bytes(rows))
        return false;
    std::unordered_map<std::size_t, attribute_row> odd;
    const auto words = (rows + 63) / 64;
    return read_odd(odd_bytes, rows, odd) && to.rows.restore(rows, table, std::move(odd)) &&
           read_array(ordinals, rows, to.ordinals) && read_array(phones, words, to.phones) &&
           read_array(openids, words, to.openids);
}

} // namespace

std::string fingerprint(const row_layouts& layouts) {
    return crypto::sha256_hex(layouts.enterprise->fingerprint() + layouts.resident->fingerprint())
        .substr(0, fingerprint_size);
}

std::string encode_snapshot(const shard_rows& rows, const snapshot_place& place, std::string_view layout) {
    std::string out;
    std::size_t size = header_size;
    for (const auto type : both_types) {
        const auto& p = rows.part_of(type);
        size += 5 * section_head + p.rows.saved_bytes(p.rows.rows()) + p.ordinals.size() * 4 +
                (p.phones.size() + p.openids.size()) * 8 + p.rows.odd().size() * sizeof(attribute_row);
    }
    out.reserve(size);
    out += magic;
    put<std::uint32_t>(out, format_version);
    put<std::uint32_t>(out, static_cast<std::uint32_t>(place.shard));
    put_text(out, layout, fingerprint_size);
    put_text(out, place.lineage, lineage_size);
    put<std::int64_t>(out, place.applied_offset);
    put<std::uint64_t>(out, rows.strays());
    for (const auto type : both_types) put<std::uint64_t>(out, rows.of(type).rows());
    put<std::uint64_t>(out, 0); // checksum, zeros
    for (const auto type : both_types) {
        const auto& p = rows.part_of(type);
        section(out, [&] { p.rows.save(out); });
        section(out, [&] { append_odd(out, p.rows); });
        section(out, [&] { append(out, p.ordinals); });
        section(out, [&] { append(out, p.phones); });
        section(out, [&] { append(out, p.openids); });
    }
    return out;
}

void seal_snapshot(std::string& image) {
    const auto seal = [&](std::size_t at, std::string_view bytes) {
        const auto checksum = crc32c(bytes);
        std::memcpy(image.data() + at, &checksum, sizeof checksum);
    };
    if (image.size() < header_size) return;
    seal(at_checksum, std::string_view(image).substr(0, at_checksum));
    for (auto at = header_size; image.size() - at >= section_head;) {
        const auto length = get<std::uint64_t>(image, at);
        if (length > image.size() - at - section_head) return;
        seal(at + 8, std::string_view(image).substr(at + section_head, static_cast<std::size_t>(length)));
        at += section_head + static_cast<std::size_t>(length);
    }
}

result<snapshot> decode_snapshot(std::string_view bytes, const row_layouts& layouts, std::string_view layout,
                                 int shard, std::string_view lineage) {
    if (bytes.size() < header_size) return bad("the snapshot is cut off");
    if (!bytes.starts_with(magic)) return bad("not a snapshot of a shard");
    if (const auto version = get<std::uint32_t>(bytes, at_version); version != format_version)
        return bad("snapshot of version " + std::to_string(version) + ", this program reads " +
                   std::to_string(format_version));
    if (crc32c(bytes.substr(0, at_checksum)) != get<std::uint32_t>(bytes, at_checksum) ||
        get<std::uint32_t>(bytes, at_checksum + 4) != 0)
        return bad("the snapshot's header is damaged");
    if (const auto of = get<std::uint32_t>(bytes, at_shard); of != static_cast<std::uint32_t>(shard))
        return bad("snapshot of shard " + std::to_string(of));
    if (text_at(bytes, at_fingerprint, fingerprint_size) != layout)
        return bad("snapshot under another catalogue: its columns mean something else");
    if (text_at(bytes, at_lineage, lineage_size) != lineage)
        return bad("snapshot of another life of this shard: its profiles in Redis were begun anew");
    const auto rows = get<std::array<std::uint64_t, 2>>(bytes, at_rows);
    constexpr auto most = std::uint64_t{1} << 31;
    if (rows[0] >= most || rows[1] >= most) return bad("the snapshot's numbers of rows cannot be");
    shard_rows::part enterprises{matching::columns(layouts.enterprise), {}, {}, {}};
    shard_rows::part residents{matching::columns(layouts.resident), {}, {}, {}};
    sections in(bytes.substr(header_size));
    if (!read_part(in, static_cast<std::size_t>(rows[0]), enterprises) ||
        !read_part(in, static_cast<std::size_t>(rows[1]), residents) || !in.done())
        return bad("the snapshot is damaged or cut off");
    auto made = shard_rows::of_parts(std::move(enterprises), std::move(residents),
                                     get<std::uint64_t>(bytes, at_strays));
    if (!made) return bad("the snapshot contradicts itself");
    return snapshot{std::move(*made), get<std::int64_t>(bytes, at_offset)};
}

} // namespace zhida::matcher
