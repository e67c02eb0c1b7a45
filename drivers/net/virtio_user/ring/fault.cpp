// SPDX-License-Identifier: BSD-3-Clause
#include "ring/fault.hpp"

namespace netvsc::virtio {

std::string_view describe(Fault fault) {
    switch (fault) {
    case Fault::none:
        return "no fault";
    case Fault::used_index:
        return "the used index passed the available index";
    case Fault::unknown_id:
        return "a used id belongs to no chain in flight";
    case Fault::wrong_order:
        return "a used id is out of order, but VIRTIO_F_IN_ORDER was negotiated";
    case Fault::used_length:
        return "a used length is above the size of the chain";
    }
    return "unknown fault";
}

} // namespace netvsc::virtio
