#include "services/gateways/inbound_text.hpp"

#include "common/base/utf8.hpp"
#include "services/gateways/sms_text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>

#include <iconv.h>

namespace zhida::gateways {

namespace {

constexpr std::uint8_t format_ascii = 0, format_latin1 = 3, format_gbk = 15;

// Also with what keyboards put behind a word by themselves.
constexpr std::u32string_view words_of_refusal[] = {
    U"r",    U"t",     U"td",    U"n",      U"0000",  U"退订",  U"退定",        U"拒收",
    U"取消", U"退订t", U"t退订", U"td退订", U"r退订", U"拒收r", U"unsubscribe", U"stop"};

std::string replaced(std::string_view content) {
    std::string out;
    for (const char c : content)
        if (static_cast<std::uint8_t>(c) < 0x80)
            out += c;
        else
            append_utf8(out, U'\uFFFD');
    return out;
}

class converter {
  public:
    converter() : is_(::iconv_open("UTF-8", "GB18030")) {}
    ~converter() {
        if (there()) ::iconv_close(is_);
    }
    converter(const converter&) = delete;
    converter& operator=(const converter&) = delete;
    bool there() const noexcept { return reinterpret_cast<std::intptr_t>(is_) != -1; }
    iconv_t get() const noexcept { return is_; }

  private:
    iconv_t is_;
};

// GB18030 contains GBK.
std::string of_gbk(std::string_view content) {
    const converter gbk;
    if (!gbk.there()) return replaced(content); // a system without its table
    std::string in(content), out;
    char* from = in.data();
    std::size_t left = in.size();
    while (left > 0) {
        std::array<char, 512> some{};
        char* to = some.data();
        std::size_t room = some.size();
        const auto done = ::iconv(gbk.get(), &from, &left, &to, &room);
        out.append(some.data(), some.size() - room);
        if (done != static_cast<std::size_t>(-1) || errno == E2BIG) continue;
        append_utf8(out, U'\uFFFD'); // no character, or half of one
        ++from;
        --left;
    }
    return out;
}

std::string of_latin1(std::string_view content) {
    std::string out;
    for (const char c : content) append_utf8(out, static_cast<std::uint8_t>(c));
    return out;
}

char32_t plain(char32_t c) {
    if (c >= 0xFF01 && c <= 0xFF5E) c -= 0xFEE0;
    return c >= U'A' && c <= U'Z' ? c + (U'a' - U'A') : c;
}

// Phones, gateways and people fill up with these.
bool blank(char32_t c) {
    return c <= U' ' || c == 0xA0 || c == 0x3000 || c == 0xFEFF;
}
bool around_a_word(char32_t c) {
    return blank(c) ||
           std::u32string_view(U".,!。，！、\"'“”‘’【】[]()").find(c) != std::u32string_view::npos;
}

template <class Drop>
std::u32string trimmed(const std::u32string& text, Drop drop) {
    const auto first = std::find_if_not(text.begin(), text.end(), drop);
    const auto last = std::find_if_not(text.rbegin(), std::make_reverse_iterator(first), drop).base();
    return {first, last};
}

} // namespace

std::string inbound_utf8(std::string_view content, std::uint8_t format) {
    switch (format) {
    case sms_format_ucs2:
        return utf8_of_ucs2(content);
    case format_gbk:
        return of_gbk(content);
    case format_latin1:
        return of_latin1(content);
    case format_ascii:
        return replaced(content);
    default:
        return {};
    }
}

std::u32string folded(std::string_view utf8) {
    std::u32string text;
    for (std::size_t at = 0; at < utf8.size();) {
        const auto c = next_code_point(utf8, at);
        if (c == bad_code_point) ++at;
        text += c == bad_code_point ? U'\uFFFD' : plain(c);
    }
    return trimmed(text, blank);
}

bool asks_to_stop(std::string_view utf8) {
    const auto text = trimmed(folded(utf8), around_a_word);
    return std::find(std::begin(words_of_refusal), std::end(words_of_refusal), text) !=
           std::end(words_of_refusal);
}

} // namespace zhida::gateways
