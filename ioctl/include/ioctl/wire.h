// SPDX-License-Identifier: MIT
// Messages of the daemon's UNIX SEQPACKET socket. The socket is a transport of its own (flattened
// ioctls) and the channel that gives clients of the other transports their file descriptors. One
// message is one packet; integers are native-endian, as both ends run on one machine.
#pragma once

#include <cstdint>

namespace fakegpu::ioctl::wire {

inline constexpr uint32_t kMagic = 0x55504746;  // "FGPU"
inline constexpr uint32_t kVersion = 1;

enum class Type : uint32_t {
  kHello = 1,   // client: Hello. First message of a connection
  kHelloReply,  // daemon: Reply
  kIoctl,       // client: IoctlRequest, Span[spans], struct bytes, in-array bytes; or those of all
                // arrays, and then what the driver does not store comes back as it was, not as 0.
                // No spans though the call has arrays: they are unreadable (-EFAULT)
  kIoctlReply,  // daemon: IoctlReply, struct bytes, out-array bytes in span order
  kInterrupt,   // client: Interrupt; the call is then answered -EINTR. No reply of its own
  kGetArena,    // client: GetFd{0}. The file's arena
  kGetBo,       // client: GetFd{handle}. The memfd that backs the BO
  kFdReply,     // daemon: FdReply, with one descriptor (SCM_RIGHTS) if result is 0
  kRead,        // client: ReadRequest. read() of DRM events; answered when there is one
  kReadReply,   // daemon: IoctlReply, event bytes
  kGetFencePage,  // client: GetFd{0}. The file's fence page; a client asks if a context is in it
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

struct IoctlRequest {
  Header header;
  uint32_t command;
  uint32_t spans;
  uint64_t arg;  // the struct's address in the caller; only a name here
};

// After it: the struct's out_bytes (ioctl::struct_copy), then the out arrays.
struct IoctlReply {
  Header header;
  int32_t result;
  uint32_t pad;
};

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

}  // namespace fakegpu::ioctl::wire
