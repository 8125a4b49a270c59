#include "matching/near.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <tuple>

namespace zhida::matching {

namespace {

constexpr std::size_t longest = 64; // code points; the distance is quadratic

// Lower-case ASCII, other bytes as code points; broken UTF-8 gives some value, it is only compared.
std::u32string folded(std::string_view text) {
    std::u32string out;
    for (std::size_t i = 0; i < text.size() && out.size() <= longest;) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
        std::uint32_t point = lead >= 'A' && lead <= 'Z' ? lead + 32U : lead;
        for (std::size_t k = 1; k < length && i + k < text.size(); ++k)
            point = point << 8 | static_cast<unsigned char>(text[i + k]);
        out += static_cast<char32_t>(point);
        i += length;
    }
    return out;
}

std::size_t distance(const std::u32string& a, const std::u32string& b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const auto above = row[j];
            row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U)});
            diagonal = above;
        }
    }
    return row[b.size()];
}

// Lower is nearer; nothing where it is not near at all. First the kind: same name, part of the code or name,
// spelling.
using score = std::tuple<int, std::size_t, std::ptrdiff_t>;

std::optional<score> score_of(const std::u32string& wanted, const candidate& c) {
    const auto code = folded(c.code), name = folded(c.name);
    if (code == wanted || name == wanted) return score{0, 0, 0};
    std::optional<score> best;
    for (const auto& text : {code, name}) {
        if (text.empty()) continue;
        if (wanted.size() >= 2 && text.find(wanted) != text.npos)
            best = std::min(best.value_or(score{9, 0, 0}), score{1, text.size() - wanted.size(), 0});
        const auto most = wanted.size() / 3 + 1;
        const auto apart = std::max(wanted.size(), text.size()) - std::min(wanted.size(), text.size());
        if (apart > most) continue; // the distance is at least that
        const auto d = distance(wanted, text);
        // The characters they share at the front break ties, so that C3999 finds C39 before C1999.
        const auto shared =
            std::mismatch(wanted.begin(), wanted.end(), text.begin(), text.end()).first - wanted.begin();
        if (d <= most && d < wanted.size())
            best = std::min(best.value_or(score{9, 0, 0}), score{2, d, -shared});
    }
    return best;
}

} // namespace

std::vector<std::size_t> nearest(std::string_view wanted, const std::vector<candidate>& candidates,
                                 std::size_t count) {
    const auto text = folded(wanted);
    if (text.empty() || text.size() > longest) return {};
    std::vector<std::pair<score, std::size_t>> found;
    for (std::size_t i = 0; i < candidates.size(); ++i)
        if (const auto s = score_of(text, candidates[i])) found.emplace_back(*s, i);
    std::sort(found.begin(), found.end());
    std::vector<std::size_t> out;
    for (const auto& [s, i] : found) {
        // Where it names something exactly, what is merely similar is noise.
        const bool noise = std::get<0>(s) != 0 && std::get<0>(found.front().first) == 0;
        if (out.size() == count || noise) break;
        out.push_back(i);
    }
    return out;
}

std::string in_quotes(std::string_view text) {
    constexpr std::size_t most = 60;
    if (text.size() <= most) return "'" + std::string(text) + "'";
    auto end = most;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    return "'" + std::string(text.substr(0, end)) + "…'";
}

} // namespace zhida::matching
