// SPDX-License-Identifier: BSD-3-Clause
#include "common/eal/interrupt_source.hpp"

#include <utility>

#include <rte_errno.h>
#include <rte_interrupts.h>

namespace netvsc {

struct InterruptSource::Registration {
    rte_intr_handle *handle = nullptr;
    std::shared_ptr<void> resource;
    std::function<void()> callback;

    Registration() = default;
    Registration(const Registration &) = delete;
    Registration &operator=(const Registration &) = delete;
    ~Registration() { rte_intr_instance_free(handle); }

    static void on_readable(void *self) { static_cast<Registration *>(self)->callback(); }
    static void on_unregistered(rte_intr_handle * /*handle*/, void *self) {
        delete static_cast<Registration *>(self);
    }
};

void InterruptSource::Unregister::operator()(Registration *registration) const {
    for (;;) {
        int result = rte_intr_callback_unregister(registration->handle, Registration::on_readable,
                                                  registration);
        if (result != -EAGAIN) {
            delete registration;
            return;
        }
        // The callback is running: EAL ends the registration after it returns. If it has returned
        // since, this call fails with EAGAIN, too.
        result =
            rte_intr_callback_unregister_pending(registration->handle, Registration::on_readable,
                                                 registration, Registration::on_unregistered);
        if (result != -EAGAIN)
            return;
    }
}

Result<InterruptSource> InterruptSource::watch(int fd, std::shared_ptr<void> resource,
                                               std::function<void()> callback) {
    auto registration = std::make_unique<Registration>();
    registration->resource = std::move(resource);
    registration->callback = std::move(callback);
    registration->handle = rte_intr_instance_alloc(RTE_INTR_INSTANCE_F_PRIVATE);
    if (registration->handle == nullptr || rte_intr_fd_set(registration->handle, fd) != 0 ||
        rte_intr_type_set(registration->handle, RTE_INTR_HANDLE_EXT) != 0)
        return failure(rte_errno != 0 ? rte_errno : ENOMEM, "rte_intr_instance_alloc");
    if (const int result = rte_intr_callback_register(
            registration->handle, Registration::on_readable, registration.get());
        result != 0)
        return failure(-result, "rte_intr_callback_register");
    InterruptSource source;
    source.registration_.reset(registration.release());
    return source;
}

} // namespace netvsc
