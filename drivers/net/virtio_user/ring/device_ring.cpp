// SPDX-License-Identifier: BSD-3-Clause
#include "ring/device_ring.hpp"

#include "ring/chain_builder.hpp"

namespace netvsc::virtio {

using Error = DeviceRing::Error;

std::string_view describe(Error error) {
    switch (error) {
    case Error::empty:
        return "no chain is available";
    case Error::available_index:
        return "the available index jumped by more than the ring has entries";
    case Error::index:
        return "a descriptor index is out of range";
    case Error::endless:
        return "a chain has more descriptors than the ring";
    case Error::indirect:
        return "an indirect table is malformed";
    case Error::order:
        return "a readable segment follows a writable one";
    case Error::address:
        return "a segment lies outside the driver's memory";
    }
    return "unknown error";
}

ChainBuilder::Result ChainBuilder::append(std::uint64_t address, std::uint32_t length,
                                          bool writable) {
    if (chain.readable.size() + chain.writable.size() == most_)
        return std::unexpected(Error::endless);
    if (!writable && !chain.writable.empty())
        return std::unexpected(Error::order);
    std::byte *data = translate_(address, length);
    if (data == nullptr)
        return std::unexpected(Error::address);
    if (writable)
        chain.writable.emplace_back(data, length);
    else
        chain.readable.emplace_back(data, length);
    return {};
}

std::expected<std::span<Descriptor>, Error>
ChainBuilder::indirect_table(std::uint64_t address, std::uint32_t length) const {
    if (length == 0 || length % sizeof(Descriptor) != 0)
        return std::unexpected(Error::indirect);
    std::byte *table = translate_(address, length);
    if (table == nullptr)
        return std::unexpected(Error::address);
    if (reinterpret_cast<std::uintptr_t>(table) % alignof(Descriptor) != 0)
        return std::unexpected(Error::indirect);
    return std::span(reinterpret_cast<Descriptor *>(table), length / sizeof(Descriptor));
}

} // namespace netvsc::virtio
