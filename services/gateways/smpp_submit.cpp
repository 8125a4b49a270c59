#include "services/gateways/smpp_submit.hpp"

namespace zhida::gateways::smpp {

result<submit_form> submit_form::of(submit_sm like) {
    like.destination_addr.clear();
    like.short_message.clear();
    like.esm_class &= static_cast<std::uint8_t>(~esm_udhi);
    const auto extension_at = header_size + like.service_type.size() + 1 + 2 + like.source_addr.size();
    const auto phone_at = extension_at + 1 + 2;
    // NUL, esm_class to priority_flag, two times, registered_delivery to sm_default_msg_id, sm_length
    const auto content_at =
        phone_at + 1 + 3 + like.schedule_delivery_time.size() + 1 + like.validity_period.size() + 1 + 4 + 1;
    const auto frame = encode({0, 0, std::move(like)});
    if (!frame) return frame.error();
    submit_form form;
    form.before_extension_ = frame->substr(0, extension_at);
    form.before_phone_ = frame->substr(extension_at, phone_at - extension_at);
    form.before_content_ = frame->substr(phone_at, content_at - phone_at);
    form.tail_ = frame->substr(content_at);
    return form;
}

void submit_form::append(std::string& to, std::uint32_t sequence_number, const sms_part& part,
                         std::uint8_t udh_ref, std::string_view phone, std::string_view extension) const {
    const auto begin = to.size();
    to.append(before_extension_)
        .append(extension)
        .append(before_phone_)
        .append(phone)
        .append(before_content_)
        .append(part.content)
        .append(tail_);
    char* const frame = to.data() + begin;
    put_u32(frame, static_cast<std::uint32_t>(to.size() - begin));
    put_u32(frame + 12, sequence_number);
    char* const middle =
        frame + before_extension_.size() + extension.size() + before_phone_.size() + phone.size();
    char* const content = middle + before_content_.size();
    if (part.udhi) middle[1] = static_cast<char>(middle[1] | esm_udhi);
    content[-1] = static_cast<char>(part.content.size());
    if (part.udhi) content[3] = static_cast<char>(udh_ref);
}

} // namespace zhida::gateways::smpp
