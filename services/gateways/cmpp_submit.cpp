#include "services/gateways/cmpp_submit.hpp"

namespace zhida::gateways::cmpp {

namespace {

constexpr std::size_t src_id_size = 21;

} // namespace

result<submit_form> submit_form::of(submit like, version layout) {
    const auto src_id = like.Src_Id.size();
    like.Dest_terminal_Id = {""};
    like.Msg_Content.clear();
    auto frame = encode({0, layout, std::move(like)});
    if (!frame) return frame.error();
    const bool v30 = layout == version::v30;
    const std::size_t terminal = v30 ? 32 : 21, type = v30 ? 1 : 0, tail = v30 ? 20 : 8;
    submit_form form;
    form.udhi_at_ = header_size + 24 + terminal + type;
    form.content_at_ = frame->size() - tail;
    form.phone_at_ = form.content_at_ - 1 - type - terminal;
    form.extension_at_ = form.phone_at_ - 1 - src_id_size + src_id;
    form.frame_ = std::move(*frame);
    return form;
}

void submit_form::append(std::string& to, std::uint32_t Sequence_Id, const sms_part& part,
                         std::uint8_t udh_ref, std::string_view phone, std::string_view extension) const {
    const auto begin = to.size();
    to.append(frame_, 0, content_at_).append(part.content).append(frame_, content_at_);
    char* const frame = to.data() + begin;
    put_u32(frame, static_cast<std::uint32_t>(to.size() - begin));
    put_u32(frame + 8, Sequence_Id);
    frame[header_size + 8] = static_cast<char>(part.total);
    frame[header_size + 9] = static_cast<char>(part.number);
    frame[udhi_at_] = part.udhi ? '\1' : '\0';
    extension.copy(frame + extension_at_, phone_at_ - 1 - extension_at_);
    phone.copy(frame + phone_at_, 21);
    frame[content_at_ - 1] = static_cast<char>(part.content.size());
    if (part.udhi) frame[content_at_ + 3] = static_cast<char>(udh_ref);
}

} // namespace zhida::gateways::cmpp
