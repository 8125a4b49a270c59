// Big-endian integers and NUL-filled octet strings, shared by the CMPP encoder and decoder. Pure.
#pragma once

#include "common/base/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace zhida::gateways::cmpp {

class wire_writer {
  public:
    explicit wire_writer(const char* pdu_name) : pdu_name_(pdu_name) {}

    void u8(std::uint8_t v) { out_.push_back(static_cast<char>(v)); }
    void u32(std::uint32_t v) {
        for (int shift = 24; shift >= 0; shift -= 8) u8(static_cast<std::uint8_t>(v >> shift));
    }
    void u64(std::uint64_t v) {
        u32(static_cast<std::uint32_t>(v >> 32));
        u32(static_cast<std::uint32_t>(v));
    }
    void raw(std::string_view bytes) { out_.append(bytes); }
    void octets(std::string_view text, std::size_t width, const char* field) {
        if (text.size() > width)
            fail(field, std::to_string(text.size()) + " bytes, the field has " + std::to_string(width));
        out_.append(text.substr(0, width));
        if (text.size() < width) out_.append(width - text.size(), '\0');
    }
    // One length byte, then the bytes.
    void counted(std::string_view bytes, const char* field) {
        if (bytes.size() > 255) fail(field, std::to_string(bytes.size()) + " bytes, at most 255 fit");
        u8(static_cast<std::uint8_t>(bytes.size()));
        raw(bytes);
    }
    void fail(const char* field, std::string what) {
        if (!failed_) why_ = {errc::invalid, std::move(what), std::string(pdu_name_) + "." + field, ""};
        failed_ = true;
    }
    // Total_Length at the front becomes the size of what was written.
    result<std::string> take_frame() {
        if (failed_) return why_;
        const auto size = static_cast<std::uint32_t>(out_.size());
        for (int i = 0; i < 4; ++i)
            out_[static_cast<std::size_t>(i)] = static_cast<char>(size >> (24 - 8 * i));
        return std::move(out_);
    }
    result<std::string> take() {
        if (failed_) return why_;
        return std::move(out_);
    }

  private:
    std::string out_;
    const char* pdu_name_;
    failure why_;
    bool failed_ = false;
};

// The caller has checked the length: reading past the end gives zeros and empty texts, never memory.
class wire_reader {
  public:
    explicit wire_reader(std::string_view bytes) : in_(bytes) {}

    std::uint8_t u8() {
        const auto b = take(1);
        return b.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(b[0]);
    }
    std::uint32_t u32() {
        std::uint32_t v = 0;
        for (int i = 0; i < 4; ++i) v = v << 8 | u8();
        return v;
    }
    std::uint64_t u64() {
        const std::uint64_t high = u32();
        return high << 32 | u32();
    }
    std::string octets(std::size_t width) {
        const auto field = take(width);
        return std::string(field.substr(0, field.find('\0')));
    }
    std::string raw(std::size_t count) { return std::string(take(count)); }
    std::size_t left() const noexcept { return in_.size(); }

  private:
    std::string_view take(std::size_t count) {
        const auto part = in_.substr(0, count);
        in_.remove_prefix(part.size());
        return part;
    }
    std::string_view in_;
};

} // namespace zhida::gateways::cmpp
