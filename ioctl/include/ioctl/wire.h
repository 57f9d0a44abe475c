// SPDX-License-Identifier: MIT
// Messages of the daemon's UNIX SEQPACKET socket. The socket is a transport of its own (flattened
// ioctls) and the channel that gives clients of the other transports their file descriptors. One
// message is one packet; integers are native-endian, as both ends run on one machine.
#pragma once

#include <cstdint>

namespace fakegpu::ioctl::wire {

inline constexpr uint32_t kMagic = 0x55504746;  // "FGPU"
inline constexpr uint32_t kVersion = 3;

enum class Type : uint32_t {
  kHello = 1,   // client: Hello. First message of a connection
  kHelloReply,  // daemon: Reply
  kIoctl,       // client: IoctlRequest, Span[spans], struct bytes, in-array bytes; or those of all
                // arrays, and then what the driver does not store comes back as it was, not as 0.
                // No spans though the call has arrays: they are unreadable (-EFAULT). With the
                // descriptor that the call takes (SCM_RIGHTS) if `taken` says so
  kIoctlReply,  // daemon: IoctlReply, struct bytes, out-array bytes in span order; with the
                // descriptor that the call gives if result is 0. The number in the struct is the
                // client's to fill in
  kInterrupt,   // client: Interrupt; the call is then answered -EINTR. No reply of its own
  kGetArena,    // client: GetFd{0}. The file's arena
  kGetBo,       // client: GetFd{handle}. The memfd that backs the BO
  kFdReply,     // daemon: FdReply, with one descriptor (SCM_RIGHTS) if result is 0
  kRead,        // client: ReadRequest. read() of DRM events; answered when there is one
  kReadReply,   // daemon: IoctlReply, event bytes
  kGetFencePage,  // client: GetFd{0}. The file's fence page; a client asks if a context is in it
  kFdIoctl,     // client: as kIoctl, on the descriptor that is passed first. kIoctlReply, as there
  kOpenSwSync,  // client: OpenSwSync. A new sw_sync; kFdReply
  kLargeIoctl,  // client: IoctlRequest, Span[spans], struct bytes, with a memfd that has the bytes
                // of the arrays from its start on. Of a call that has no descriptors, and whose
                // arrays all go in: so it may have more of them than a message. kIoctlReply
};

struct Header {
  uint32_t magic;
  Type type;
  uint32_t id;     // chosen by the client; the reply carries the same
  uint32_t bytes;  // of the whole message
};

// Through which node a file is opened.
enum class Node : uint32_t { kRender, kPrimary };

// token 0,0: open a new file (the socket transport). Else: join the open file that the token names.
struct Hello {
  Header header;
  uint32_t version;
  Node node;  // kRender with a token
  uint64_t token[2];
};

struct Reply {
  Header header;
  int32_t result;
  uint32_t pad;
};

// One array of the call, as in the fetch plan.
struct Span {
  uint64_t address;
  uint32_t bytes;
  uint32_t direction;  // ioctl::Direction
};

// What became of the descriptor that a call takes (Row::fds).
enum class Taken : uint32_t {
  kNone,     // the call takes none
  kPassed,   // it comes with the message
  kClosed,   // there is none of that number
  kForeign,  // it is none that may_pass() (ioctl/passing.h), so no call has a use for it
};

struct IoctlRequest {
  Header header;
  uint32_t command;
  uint32_t spans;
  uint64_t arg;  // the struct's address in the caller; only a name here
  Taken taken;
  // Whether the client has set a number aside for what the call gives: 0 or a negative errno, which
  // the call returns when it comes to that. 0 if it gives none.
  int32_t reserved;
};

// After it: the struct's out_bytes (ioctl::struct_copy), then the out arrays.
struct IoctlReply {
  Header header;
  int32_t result;
  uint32_t flags;  // kKeepOnExec
};
// The descriptor with it was asked for without close-on-exec.
inline constexpr uint32_t kKeepOnExec = 1;

struct Interrupt {
  Header header;
  uint32_t call;  // the id of the kIoctl or kRead
  uint32_t pad;
};

struct GetFd {
  Header header;
  uint32_t handle;
  uint32_t pad;
};

struct FdReply {
  Header header;
  int32_t result;
  uint32_t pad;
  uint64_t offset;  // of the object in the descriptor
  uint64_t size;
};

struct ReadRequest {
  Header header;
  uint32_t bytes;
  uint32_t nonblock;
};

struct OpenSwSync {
  Header header;
  char name[16];  // of the thread that opens it, filled up with NULs
};

}  // namespace fakegpu::ioctl::wire
