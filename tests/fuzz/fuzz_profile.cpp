// Stored bytes of a profile and its contacts: whatever unpacks packs to something that unpacks to the same.
#include "common/model/profile.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (const auto first = zhida::unpack_profile(bytes)) {
        const auto packed = zhida::pack_profile(first->subject, first->ordinal, first->sealed_contacts);
        const auto second = zhida::unpack_profile(packed);
        if (!second || !(second->subject == first->subject) || second->ordinal != first->ordinal ||
            second->sealed_contacts != first->sealed_contacts || packed.size() > bytes.size())
            std::abort();
        zhida::packed_facts facts;
        if (!zhida::read_facts(bytes, facts) || facts.ordinal != first->ordinal ||
            facts.type != first->subject.type || facts.reachable != first->reachable ||
            facts.attributes.known != first->subject.attributes.known)
            std::abort();
    }
    if (const auto contacts = zhida::unpack_contacts(bytes)) {
        const auto again = zhida::unpack_contacts(zhida::pack_contacts(*contacts));
        if (!again || *again != *contacts) std::abort();
    }
    if (const auto contacts = zhida::parse_contacts(bytes)) {
        const auto again = zhida::parse_contacts(zhida::contacts_text(*contacts));
        if (!again || *again != *contacts) std::abort();
    }
    return 0;
}
