// SPDX-License-Identifier: BSD-3-Clause
#include "injector.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <iostream>
#include <link.h>
#include <mutex>
#include <optional>
#include <set>
#include <sstream>
#include <sys/mman.h>
#include <unistd.h>
#include <unwind.h>

#include <rte_errno.h>

namespace netvsc::test {
namespace {

constexpr std::string_view driver_name = "librte_net_vdev_netvsc.so";

/// What an entry of an import table is led through.
struct Import {
    const Call *call;
    const void *original;
};

/// Where an object is in memory.
struct Range {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    [[nodiscard]] bool contains(std::uintptr_t address) const {
        return address >= begin && address < end;
    }
};

struct State {
    std::mutex mutex;
    std::size_t depth = 1;
    std::vector<Import> imports;
    std::set<Place> seen;
    std::vector<Sighting> sightings; // in order
    unsigned step = 0;
    std::vector<Fault> armed;
    std::vector<Fault> fired;
    Range driver;
    std::vector<Range> between; // in a call's way to here: libmnl, libstdc++, this program
};

State &state() {
    static auto *state = new State; // never destroyed: the driver calls until the very end
    return *state;
}

_Unwind_Reason_Code take_frame(_Unwind_Context *context, void *path) {
    const std::uintptr_t address = _Unwind_GetIP(context);
    auto &offsets = *static_cast<std::vector<std::size_t> *>(path);
    if (state().driver.contains(address))
        offsets.push_back(address - state().driver.begin);
    else if (offsets.empty() && std::ranges::none_of(state().between, [&](const Range &range) {
                 return range.contains(address);
             }))
        return _URC_END_OF_STACK; // somebody else's call, whoever called that
    return offsets.size() < state().depth ? _URC_NO_REASON : _URC_END_OF_STACK;
}

// The driver's frames that led to a call which returns to this address.
std::vector<std::size_t> path_of(std::uintptr_t caller) {
    std::vector<std::size_t> path;
    if (state().depth == 1 && state().driver.contains(caller))
        path.push_back(caller - state().driver.begin); // much faster
    else
        _Unwind_Backtrace(take_frame, &path);
    return path;
}

std::uint64_t failure_of(const Call &call, int error) {
    switch (call.failure) {
    case Failure::minus_one:
        errno = error;
        return ~std::uint64_t{0};
    case Failure::null:
        errno = error;
        rte_errno = error;
        return 0;
    case Failure::negative_errno:
        rte_errno = error;
        return static_cast<std::uint64_t>(-error);
    case Failure::errno_itself:
        return static_cast<std::uint64_t>(error);
    }
    std::abort();
}

/// In the registers rax and rdx: where to go on, or nowhere and what to return.
struct Verdict {
    const void *target;
    std::uint64_t result;
};

} // namespace

// Called by the assembly below in place of each imported function.
extern "C" Verdict netvsc_test_decide(std::uint64_t number, std::uintptr_t caller) {
    thread_local bool within = false;
    State &all = state();
    const Import &import = all.imports[number];
    if (within)
        return {import.original, 0};
    within = true;
    const int kept = errno;
    const Place place{.call = import.call, .path = path_of(caller)};
    std::optional<int> error;
    if (!place.path.empty()) { // empty: libmnl or libstdc++ on somebody else's behalf
        const std::lock_guard lock(all.mutex);
        if (all.seen.insert(place).second)
            all.sightings.push_back({.place = place, .step = all.step, .after = all.fired});
        const auto fault = std::ranges::find(all.armed, place, &Fault::place);
        if (fault != all.armed.end()) {
            error = fault->error;
            all.fired.push_back(*fault);
            all.armed.erase(fault);
        }
    }
    within = false;
    errno = kept;
    if (!error)
        return {import.original, 0};
    return {nullptr, failure_of(*import.call, *error)};
}

// Entered with the import's number on the stack, above the return address. Keeps what carries
// arguments, for the function called may be of any kind.
asm(R"(
    .text
    .type netvsc_test_stub, @function
netvsc_test_stub:
    .cfi_startproc
    .cfi_def_cfa_offset 16
    push %rdi
    push %rsi
    push %rdx
    push %rcx
    push %r8
    push %r9
    push %rax
    .cfi_adjust_cfa_offset 56
    sub $136, %rsp
    .cfi_adjust_cfa_offset 136
    movaps %xmm0, 0(%rsp)
    movaps %xmm1, 16(%rsp)
    movaps %xmm2, 32(%rsp)
    movaps %xmm3, 48(%rsp)
    movaps %xmm4, 64(%rsp)
    movaps %xmm5, 80(%rsp)
    movaps %xmm6, 96(%rsp)
    movaps %xmm7, 112(%rsp)
    mov 192(%rsp), %rdi
    mov 200(%rsp), %rsi
    call netvsc_test_decide
    mov %rax, %r11
    mov %rdx, %r10
    movaps 0(%rsp), %xmm0
    movaps 16(%rsp), %xmm1
    movaps 32(%rsp), %xmm2
    movaps 48(%rsp), %xmm3
    movaps 64(%rsp), %xmm4
    movaps 80(%rsp), %xmm5
    movaps 96(%rsp), %xmm6
    movaps 112(%rsp), %xmm7
    add $136, %rsp
    .cfi_adjust_cfa_offset -136
    pop %rax
    pop %r9
    pop %r8
    pop %rcx
    pop %rdx
    pop %rsi
    pop %rdi
    .cfi_adjust_cfa_offset -56
    add $8, %rsp
    .cfi_adjust_cfa_offset -8
    test %r11, %r11
    jz 1f
    jmp *%r11
1:  mov %r10, %rax
    ret
    .cfi_endproc
    .size netvsc_test_stub, .-netvsc_test_stub
)");
extern "C" void netvsc_test_stub();

namespace {

[[noreturn]] void give_up(const std::string &why) {
    std::cerr << "faults: " << why << std::endl;
    std::_Exit(2);
}

/// Small pieces of code, one for each import: push its number, go to the stub.
class Thunks {
public:
    Thunks() {
        memory_ = static_cast<unsigned char *>(::mmap(
            nullptr, size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        if (memory_ == MAP_FAILED)
            give_up("no memory for thunks");
    }
    const void *make(std::uint32_t number) {
        constexpr std::size_t thunk_size = 18;
        if (used_ + thunk_size > size)
            give_up("too many imports");
        unsigned char *thunk = memory_ + used_;
        used_ += thunk_size;
        const auto stub = reinterpret_cast<std::uint64_t>(netvsc_test_stub);
        thunk[0] = 0x68; // push imm32
        std::memcpy(thunk + 1, &number, 4);
        thunk[5] = 0x49; // mov imm64, %r11
        thunk[6] = 0xbb;
        std::memcpy(thunk + 7, &stub, 8);
        thunk[15] = 0x41; // jmp *%r11
        thunk[16] = 0xff;
        thunk[17] = 0xe3;
        return thunk;
    }

private:
    static constexpr std::size_t size = 16384;
    unsigned char *memory_;
    std::size_t used_ = 0;
};

/// A loaded object's dynamic section, as far as imports go.
struct Imports {
    std::uintptr_t base = 0;
    const ElfW(Sym) *symbols = nullptr;
    const char *names = nullptr;
    const ElfW(Rela) * relocations[2] = {};
    std::size_t counts[2] = {};

    explicit Imports(const dl_phdr_info &object) : base(object.dlpi_addr) {
        const ElfW(Dyn) *entry = nullptr;
        for (int i = 0; i < object.dlpi_phnum; ++i) {
            if (object.dlpi_phdr[i].p_type == PT_DYNAMIC)
                entry = reinterpret_cast<const ElfW(Dyn) *>(base + object.dlpi_phdr[i].p_vaddr);
        }
        for (; entry != nullptr && entry->d_tag != DT_NULL; ++entry) {
            // glibc has relocated these in place.
            const std::uintptr_t address = entry->d_un.d_ptr;
            switch (entry->d_tag) {
            case DT_SYMTAB:
                symbols = reinterpret_cast<const ElfW(Sym) *>(address);
                break;
            case DT_STRTAB:
                names = reinterpret_cast<const char *>(address);
                break;
            case DT_JMPREL:
                relocations[0] = reinterpret_cast<const ElfW(Rela) *>(address);
                break;
            case DT_PLTRELSZ:
                counts[0] = entry->d_un.d_val / sizeof(ElfW(Rela));
                break;
            case DT_RELA:
                relocations[1] = reinterpret_cast<const ElfW(Rela) *>(address);
                break;
            case DT_RELASZ:
                counts[1] = entry->d_un.d_val / sizeof(ElfW(Rela));
                break;
            default:
                break;
            }
        }
    }
};

void write_entry(std::uintptr_t entry, const void *target) {
    // Read-only since the object was loaded (RELRO).
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    auto *begin = reinterpret_cast<void *>(entry & ~(page - 1));
    if (::mprotect(begin, page, PROT_READ | PROT_WRITE) != 0)
        give_up("mprotect: " + std::string(std::strerror(errno)));
    *reinterpret_cast<const void **>(entry) = target;
}

void lead_through(const dl_phdr_info &object, bool driver, Thunks &thunks) {
    State &all = state();
    const Imports imports(object);
    for (std::size_t table = 0; table < 2; ++table) {
        for (std::size_t i = 0; i < imports.counts[table]; ++i) {
            const ElfW(Rela) &relocation = imports.relocations[table][i];
            const auto type = ELF64_R_TYPE(relocation.r_info);
            const ElfW(Sym) &symbol = imports.symbols[ELF64_R_SYM(relocation.r_info)];
            if ((type != R_X86_64_JUMP_SLOT && type != R_X86_64_GLOB_DAT) ||
                symbol.st_shndx != SHN_UNDEF)
                continue;
            const std::string_view name = imports.names + symbol.st_name;
            const auto known = std::ranges::find(failing_calls(), name, &Call::name);
            if (known == failing_calls().end()) {
                if (driver && !needs_no_fault(name))
                    give_up("the driver imports " + std::string(name) +
                            ", which calls.cpp does not know");
                continue;
            }
            const std::uintptr_t entry = imports.base + relocation.r_offset;
            // Not what is in the entry: that may look the function up when it is first called, and
            // then overwrite ours.
            const void *original = ::dlsym(RTLD_DEFAULT, name.data());
            if (original == nullptr)
                give_up("no function " + std::string(name));
            all.imports.push_back({.call = &*known, .original = original});
            write_entry(entry, thunks.make(static_cast<std::uint32_t>(all.imports.size() - 1)));
        }
    }
}

Range range_of(const dl_phdr_info &object) {
    Range range{.begin = object.dlpi_addr, .end = object.dlpi_addr};
    for (int i = 0; i < object.dlpi_phnum; ++i) {
        const auto &part = object.dlpi_phdr[i];
        if (part.p_type == PT_LOAD)
            range.end = std::max(range.end, object.dlpi_addr + part.p_vaddr + part.p_memsz);
    }
    return range;
}

int visit(dl_phdr_info *object, std::size_t /*size*/, void *thunks) {
    const std::string_view path = object->dlpi_name;
    const std::string_view name = path.substr(path.rfind('/') + 1);
    const bool driver = name == driver_name;
    const bool carrier = name.starts_with("libmnl.so") || name.starts_with("libstdc++.so");
    if (driver)
        state().driver = range_of(*object);
    else if (carrier || name.empty()) // this program has no name
        state().between.push_back(range_of(*object));
    if (driver || carrier)
        lead_through(*object, driver, *static_cast<Thunks *>(thunks));
    return 0;
}

} // namespace

std::string Place::to_string() const {
    std::ostringstream text;
    text << call->name << std::hex << std::showbase;
    for (std::size_t i = 0; i < path.size(); ++i)
        text << (i == 0 ? " at " : " < ") << path[i];
    return text.str();
}

void Injector::install(std::size_t depth) {
    State &all = state();
    all.depth = depth;
    all.imports.reserve(1024); // read by other threads while it grows
    Thunks thunks;
    dl_iterate_phdr(visit, &thunks);
    if (all.driver.end == 0)
        give_up(std::string(driver_name) + " is not loaded");
}

void Injector::set_step(unsigned step) {
    const std::lock_guard lock(state().mutex);
    state().step = step;
}

std::vector<Sighting> Injector::sightings() {
    const std::lock_guard lock(state().mutex);
    return state().sightings;
}

void Injector::arm(const std::vector<Fault> &faults) {
    const std::lock_guard lock(state().mutex);
    state().armed = faults;
    state().fired.clear();
}

std::size_t Injector::fired() {
    const std::lock_guard lock(state().mutex);
    return state().fired.size();
}

} // namespace netvsc::test
