"""The lab's exceptions. Every message names what failed and, where one exists, the log to read."""


class LabError(Exception):
    """Anything the lab could not do."""


class MachineError(LabError):
    """The virtual machine did not start, ended, or panicked."""


class EmulatorCrashed(MachineError):
    """QEMU crashed, or one of its processors takes no interrupts in user mode, where no program can disable them.

    No guest can cause that, so the crash does not concern the tested code.
    """

    run_again = "QEMU crashed"  # see tap.py


class LabTimeout(LabError):
    """Something did not happen in the time given."""


class CommandError(LabError):
    """A guest command ended with a non-zero exit status."""

    def __init__(self, command: object, returncode: int, stdout: str, stderr: str) -> None:
        super().__init__(
            f"guest command {command!r} ended with status {returncode}\n"
            f"stdout: {stdout.rstrip() or '(nothing)'}\nstderr: {stderr.rstrip() or '(nothing)'}")
        self.returncode = returncode
        self.stdout = stdout
        self.stderr = stderr
