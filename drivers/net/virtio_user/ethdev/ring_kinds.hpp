// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "ethdev/queue.hpp"
#include "ring/packed_ring.hpp"
#include "ring/split_ring.hpp"

#include <type_traits>
#include <utility>

namespace netvsc::virtio {

/// Calls a function with the type of ring that a kind of queue has, as std::type_identity.
template <typename Function> decltype(auto) with_ring(const QueueKind &kind, Function &&function) {
    if (kind.packed)
        return kind.in_order ? function(std::type_identity<PackedRing<Order::in_order>>{})
                             : function(std::type_identity<PackedRing<Order::any>>{});
    return kind.in_order ? function(std::type_identity<SplitRing<Order::in_order>>{})
                         : function(std::type_identity<SplitRing<Order::any>>{});
}

/// Calls a function with std::bool_constants of the values given.
template <typename Function> decltype(auto) with_constants(Function &&function) {
    return function();
}
template <typename Function, typename... More>
decltype(auto) with_constants(Function &&function, bool first, More... more) {
    const auto bind = [&](auto constant) -> decltype(auto) {
        return with_constants([&](auto... rest) { return function(constant, rest...); }, more...);
    };
    return first ? bind(std::true_type{}) : bind(std::false_type{});
}

} // namespace netvsc::virtio
