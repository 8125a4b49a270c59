// Big-endian integers and octet strings as CMPP and SMPP write them, and frames that begin with their length.
// Pure.
#pragma once

#include "common/base/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace zhida::gateways {

// Four bytes at `to`, for instance a length that is known in the end.
inline void put_u32(char* to, std::uint32_t v) noexcept {
    for (int i = 0; i < 4; ++i) to[i] = static_cast<char>(v >> (24 - 8 * i));
}

// Writes one PDU behind what `to` holds. The first field that does not fit is remembered and makes take() and
// take_frame() fail: the bytes written since are taken back.
class wire_writer {
  public:
    wire_writer(std::string& to, const char* pdu_name) : out_(to), begin_(to.size()), pdu_name_(pdu_name) {}

    void u8(std::uint8_t v) { out_.push_back(static_cast<char>(v)); }
    void u16(std::uint16_t v) { integer<2>(v); }
    void u32(std::uint32_t v) { integer<4>(v); }
    void u64(std::uint64_t v) { integer<8>(v); }
    void raw(std::string_view bytes) { out_.append(bytes); }
    // Filled up with NUL to its width.
    void octets(std::string_view text, std::size_t width, const char* field) {
        if (text.size() > width)
            fail(field, std::to_string(text.size()) + " bytes, the field has " + std::to_string(width));
        text = text.substr(0, width);
        out_.append(text).append(width - text.size(), '\0');
    }
    // Ends with its NUL, which `limit` counts.
    void c_octets(std::string_view text, std::size_t limit, const char* field) {
        if (text.size() >= limit)
            fail(field,
                 std::to_string(text.size()) + " characters, the field has " + std::to_string(limit - 1));
        if (text.find('\0') != std::string_view::npos) fail(field, "has a NUL inside");
        out_.append(text).push_back('\0');
    }
    // One length byte, then the bytes.
    void counted(std::string_view bytes, const char* field, std::size_t most = 255) {
        if (bytes.size() > most)
            fail(field, std::to_string(bytes.size()) + " bytes, at most " + std::to_string(most) + " fit");
        u8(static_cast<std::uint8_t>(bytes.size()));
        raw(bytes);
    }
    void fail(const char* field, std::string what) {
        if (!failed_) why_ = {errc::invalid, std::move(what), std::string(pdu_name_) + "." + field, ""};
        failed_ = true;
    }
    // The first four bytes become the size of what was written.
    result<void> take_frame() {
        put_u32(out_.data() + begin_, static_cast<std::uint32_t>(out_.size() - begin_));
        return take();
    }
    result<void> take() {
        if (!failed_) return {};
        out_.resize(begin_);
        return std::move(why_);
    }

  private:
    template <std::size_t bytes>
    void integer(std::uint64_t v) {
        char text[bytes];
        for (std::size_t i = bytes; i-- > 0; v >>= 8) text[i] = static_cast<char>(v);
        out_.append(text, bytes);
    }

    std::string& out_;
    std::size_t begin_;
    const char* pdu_name_;
    failure why_;
    bool failed_ = false;
};

// Reading past the end gives zeros and empty texts, never memory: the caller has checked the length, or looks
// at `short_of_bytes` behind the last field.
class wire_reader {
  public:
    explicit wire_reader(std::string_view bytes) : in_(bytes) {}

    std::uint8_t u8() { return static_cast<std::uint8_t>(integer<1>()); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(integer<2>()); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(integer<4>()); }
    std::uint64_t u64() { return integer<8>(); }
    // The views live as long as the bytes that are read.
    std::string_view octets(std::size_t width) {
        const auto field = raw(width);
        return field.substr(0, field.find('\0'));
    }
    // Up to its NUL, which is read too and which `limit` counts; without one there the bytes are short.
    std::string_view c_octets(std::size_t limit) {
        const auto end = in_.substr(0, limit).find('\0');
        if (end == std::string_view::npos) {
            short_ = true;
            return raw(in_.size()).substr(0, 0);
        }
        return raw(end + 1).substr(0, end);
    }
    std::string_view raw(std::size_t count) {
        if (count > in_.size()) short_ = true;
        const auto part = in_.substr(0, count);
        in_.remove_prefix(part.size());
        return part;
    }
    std::size_t left() const noexcept { return in_.size(); }
    bool short_of_bytes() const noexcept { return short_; }

  private:
    template <std::size_t bytes>
    std::uint64_t integer() {
        std::uint64_t v = 0;
        const auto text = raw(bytes);
        if (text.size() < bytes) return 0;
        for (const char c : text) v = v << 8 | static_cast<std::uint8_t>(c);
        return v;
    }

    std::string_view in_;
    bool short_ = false;
};

// Cuts a byte stream into frames that begin with their own length of four bytes, however the bytes arrive.
class length_splitter {
  public:
    // protocol: "CMPP"; field: what it calls the length. No frame has fewer or more bytes than these.
    length_splitter(const char* protocol, const char* field, std::size_t least, std::size_t most)
        : protocol_(protocol), field_(field), least_(least), most_(most) {}

    void feed(std::string_view bytes);
    // A view that lives until the next call of feed() or next(); empty: more bytes are needed. Failure
    // invalid: a length that no PDU has; the stream cannot be read any further.
    result<std::string_view> next();
    std::size_t buffered() const noexcept { return buffer_.size() - at_; }

  private:
    const char *protocol_, *field_;
    std::size_t least_, most_;
    std::string buffer_;
    std::size_t at_ = 0;
};

} // namespace zhida::gateways
