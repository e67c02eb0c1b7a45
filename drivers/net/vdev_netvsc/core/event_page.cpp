// SPDX-License-Identifier: BSD-3-Clause
#include "core/event_page.hpp"

#include "core/link.hpp"

#include <string_view>

namespace netvsc {

std::size_t json_size(const NumberedEvent &event) {
    // Everything variable at its maximum length. JSON escapes two printable bytes, the quotation
    // mark and the backslash. The driver's port names have neither.
    constexpr std::string_view frame =
        R"("18446744073709551615":{"seq":18446744073709551615,"time_ns":18446744073709551615,"type":"",)"
        R"("port_id":65535,"port":"","netdevice":"","vf":"ffffffff:ff:1f.7","lcore":-2147483648,"reason":""},)";
    return frame.size() + name_of(event.event.type).size() + event.event.port.size() +
           name_of(event.event.reason).size() + 2 * printable(event.event.netdevice).size();
}

EventBus::History page_of(EventBus::History history, std::size_t bytes) {
    std::size_t used = 0;
    for (std::size_t i = 0; i < history.events.size(); ++i) {
        used += json_size(history.events[i]);
        if (used > bytes) {
            history.next = history.events[i].sequence;
            history.events.resize(i);
            break;
        }
    }
    return history;
}

} // namespace netvsc
