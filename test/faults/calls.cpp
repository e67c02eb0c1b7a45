// SPDX-License-Identifier: BSD-3-Clause
#include "calls.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

namespace netvsc::test {

const std::vector<Call> &failing_calls() {
    using enum Failure;
    static const std::vector<Call> calls{
        // The kernel.
        {"access", minus_one, {ENOMEM, EIO}},
        {"clock_gettime", minus_one, {EINVAL}},
        {"fchmod", minus_one, {EIO}},
        {"fchown", minus_one, {EIO, EPERM}},
        {"fcntl64", minus_one, {EAGAIN, EINTR, ENOLCK}},
        {"fstat64", minus_one, {ENOMEM, EIO}},
        {"ftruncate64", minus_one, {EIO, EINTR}},
        {"getgrnam_r", errno_itself, {EMFILE, ENOMEM, EINTR, EIO}},
        {"if_nametoindex", null, {EMFILE, ENOMEM}},
        {"ioctl", minus_one, {ENOMEM, EIO, EINTR}},
        {"linkat", minus_one, {ENOMEM, EIO, ENOSPC}},
        {"lstat64", minus_one, {ENOMEM, EIO}},
        {"lseek64", minus_one, {EINVAL}},
        {"mkdir", minus_one, {ENOMEM, EIO, ENOSPC}},
        {"mmap64", minus_one, {ENOMEM, EAGAIN}},
        {"open64", minus_one, {EMFILE, ENOMEM, EINTR, EIO}},
        {"openat64", minus_one, {EMFILE, ENOMEM, EINTR, EIO}},
        {"pipe2", minus_one, {EMFILE, ENFILE}},
        {"poll", minus_one, {EINTR, ENOMEM}},
        {"posix_fallocate64", errno_itself, {ENOSPC, EINTR, EIO}},
        {"pread64", minus_one, {EIO, EINTR}},
        {"pwrite64", minus_one, {ENOSPC, EIO, EINTR}},
        {"read", minus_one, {EIO, EINTR, EAGAIN}},
        {"readlinkat", minus_one, {ENOMEM, EIO}},
        {"realpath", null, {ENOMEM, EIO}},
        {"recvmsg", minus_one, {ENOBUFS, ENOMEM, EINTR, EAGAIN, EIO}},
        {"sem_init", minus_one, {ENOSYS}},
        {"sem_post", minus_one, {EOVERFLOW}},
        {"setsockopt", minus_one, {ENOMEM, EPERM}},
        {"getsockopt", minus_one, {ENOBUFS}},
        {"getsockname", minus_one, {ENOBUFS}},
        {"stat64", minus_one, {ENOMEM, EIO}},
        {"syscall", minus_one, {EPERM, ENOMEM}},
        {"unlink", minus_one, {EIO, ENOMEM}},
        {"write", minus_one, {EIO, EINTR, EAGAIN, ENOMEM}},
        // The kernel, by way of libmnl.
        {"socket", minus_one, {EMFILE, ENOMEM}},
        {"bind", minus_one, {ENOMEM}},
        {"sendto", minus_one, {ENOBUFS, EINTR, EAGAIN, ENOMEM}},
        {"calloc", null, {ENOMEM}},
        // The kernel, by way of libstdc++.
        {"fopen64", null, {EMFILE, ENOMEM, EINTR}},
        {"readlink", minus_one, {ENOMEM, EIO}},
        {"openat", minus_one, {EMFILE, ENOMEM}},
        {"fdopendir", null, {ENOMEM}},
        {"opendir", null, {EMFILE, ENOMEM}},
        {"readdir64", null, {EIO}},
        {"readdir", null, {EIO}},
        // DPDK.
        {"rte_dev_event_callback_register", negative_errno, {ENOMEM}},
        {"rte_dev_hotplug_handle_enable", negative_errno, {EIO}},
        {"rte_devargs_insert", negative_errno, {ENOMEM}},
        {"rte_devargs_parse", negative_errno, {ENOMEM, EINVAL}},
        {"rte_eal_alarm_set", negative_errno, {ENOMEM, EIO}},
        {"rte_eal_hotplug_add", negative_errno, {ENOMEM, EMFILE, EAGAIN, EIO}},
        {"rte_eal_hotplug_remove", negative_errno, {ENOMEM, EAGAIN, EIO}},
        {"rte_eth_add_rx_callback", null, {ENOMEM}},
        {"rte_eth_dev_callback_register", negative_errno, {ENOMEM}},
        {"rte_eth_dev_close", negative_errno, {EIO}},
        {"rte_eth_dev_owner_new", negative_errno, {EINVAL}},
        {"rte_eth_dev_owner_set", negative_errno, {EINVAL}},
        {"rte_eth_dev_owner_unset", negative_errno, {EINVAL}},
        {"rte_eth_dev_stop", negative_errno, {EIO, EAGAIN}},
        {"rte_eth_remove_rx_callback", negative_errno, {EIO}},
        {"rte_intr_callback_register", negative_errno, {ENOMEM, EMFILE}},
        {"rte_intr_callback_unregister", negative_errno, {EAGAIN}},
        {"rte_intr_callback_unregister_pending", negative_errno, {EAGAIN}},
        {"rte_intr_fd_set", negative_errno, {EIO}},
        {"rte_intr_instance_alloc", null, {ENOMEM}},
        {"rte_intr_type_set", negative_errno, {EIO}},
        {"rte_kvargs_parse", null, {ENOMEM}},
        {"rte_tel_data_add_array_int", negative_errno, {ENOSPC}},
        {"rte_tel_data_add_dict_container", negative_errno, {ENOSPC}},
        {"rte_tel_data_add_dict_int", negative_errno, {ENOSPC}},
        {"rte_tel_data_add_dict_string", negative_errno, {ENOSPC}},
        {"rte_tel_data_add_dict_u64", negative_errno, {ENOSPC}},
        {"rte_tel_data_add_dict_uint", negative_errno, {ENOSPC}},
        {"rte_tel_data_alloc", null, {ENOMEM}},
        {"rte_vdev_init", negative_errno, {ENOMEM, EMFILE, EIO}},
        {"rte_vdev_uninit", negative_errno, {ENOMEM, EAGAIN}},
        {"rte_vfio_enable", minus_one, {EIO}},
    };
    return calls;
}

bool needs_no_fault(std::string_view name) {
    // Of the C++ run-time, of the compiler, or work on memory alone.
    static constexpr auto prefixes = std::to_array<std::string_view>(
        {"_Z", "__cxa_", "_ITM_", "_Unwind_", "__gmon_", "__gxx_", "__stack_chk", "mem", "str",
         "free", "__tls_get_", "pthread_self", "__snprintf", "__asan", "__ubsan", "mnl_nlmsg_",
         "mnl_attr_"});
    static constexpr auto names = std::to_array<std::string_view>(
        {"__errno_location", "__libc_single_threaded",
         // close() and munmap() release in any case. The driver's mutexes cannot fail.
         "close", "munmap", "pthread_cond_clockwait", "pthread_mutex_lock", "pthread_mutex_unlock",
         // They cannot fail.
         "nanosleep", "pthread_sigmask", "sigfillset", "sysconf", "getrlimit64",
         "rte_mempool_calc_obj_size", "__rte_panic", "rte_mempool_ops_table", "geteuid", "getpid",
         "gettid", "inet_ntop", "inet_pton", "isxdigit", "sem_getvalue", "rte_free",
         "rte_intr_instance_free", "rte_kvargs_free", "rte_log", "rte_strerror",
         "rte_tel_data_free", "rte_tel_data_start_dict", "rte_thread_is_intr", "rte_vdev_register",
         "rte_eal_has_hugepages", "rte_eal_iova_mode", "rte_vmbus_unmap_device",
         "rte_eal_process_type", "rte_get_main_lcore", "rte_eal_lcore_role",
         "rte_eal_get_lcore_state", "rte_hypervisor_get", "rte_devargs_next", "rte_devargs_reset",
         "rte_version_month", "rte_version_year",
         // The same, where the compiler does not put them in line.
         "htons", "snprintf", "__cmsg_nxthdr", "__rte_mempool_trace_default_cache",
         "__rte_mempool_trace_generic_put", "__rte_mempool_trace_ops_enqueue_bulk",
         "__rte_mempool_trace_put_bulk", "__rte_trace_mem_per_thread_alloc", "per_lcore_trace_mem",
         // Only of a type that there is not.
         "rte_tel_data_start_array",
         // They hand on what others are to do.
         "rte_dev_event_callback_process", "rte_eth_dev_callback_process",
         // They fail only where there is nothing to be found, which is an answer.
         "rte_bus_find_by_name", "rte_dev_is_probed", "rte_eth_dev_get_name_by_port",
         "rte_eth_dev_get_port_by_name", "rte_eth_dev_is_valid_port", "rte_eth_dev_owner_get",
         "rte_eal_alarm_cancel", "rte_dev_event_monitor_stop", "rte_vfio_is_enabled",
         // Before the first instance, in the loading of the driver or EAL's scan: it is then
         // without a log level, a telemetry command or, on Hyper-V, the instance of its own.
         "rte_log_register_type_and_pick_level", "rte_telemetry_register_cmd",
         "rte_vdev_add_custom_scan", "rte_devargs_add",
         // libmnl's are faulted within.
         "mnl_socket_open2", "mnl_socket_bind", "mnl_socket_sendto", "mnl_socket_close",
         "mnl_socket_get_fd", "mnl_socket_get_portid",
         // Data.
         "rte_eth_devices", "rte_eth_fp_ops", "per_lcore__lcore_id", "per_lcore__rte_errno"});
    return std::ranges::any_of(prefixes, [&](auto prefix) { return name.starts_with(prefix); }) ||
           std::ranges::find(names, name) != names.end();
}

} // namespace netvsc::test
