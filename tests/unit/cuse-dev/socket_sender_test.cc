// SPDX-License-Identifier: MIT
#include "socket_sender.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>

namespace fakegpu::cuse_dev {
namespace {

constexpr size_t kLarge = 60'000;

class SocketSenderTest : public testing::Test {
 protected:
  SocketSenderTest() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    peer_.reset(ends[1]);
    sender_ = base::make_ref<SocketSender>(base::UniqueFd(ends[0]), 77, epoll_.get());
  }

  void send(size_t bytes, uint8_t value = 0) {
    const std::vector<std::byte> message(bytes, std::byte{value});
    EXPECT_EQ(sender_->send({.head = message}), 0);
  }
  // More than the socket takes, and less than the queue does.
  void fill() {
    for (int i = 0; i < 20; ++i) send(kLarge, static_cast<uint8_t>(i));
  }
  void send_descriptor() {
    const std::byte byte{};
    EXPECT_EQ(sender_->send({.head = {&byte, 1}, .descriptor = base::UniqueFd(dup(epoll_.get()))}),
              0);
  }
  // The size of the peer's next message; 0: the connection is ended; nothing: there is none.
  std::optional<size_t> receive() {
    const ssize_t got = recv(peer_.get(), buffer_.data(), buffer_.size(), 0);
    if (got < 0) return std::nullopt;
    return static_cast<size_t>(got);
  }
  bool reported() {
    epoll_event event;
    if (epoll_wait(epoll_.get(), &event, 1, 0) != 1) return false;
    EXPECT_EQ(event.data.u64, 77u);
    return true;
  }
  // Reads all there is, flushing as reports come. How many messages that were.
  size_t drain() {
    size_t messages = 0;
    for (;;) {
      while (receive().value_or(0) != 0) ++messages;
      if (!reported()) return messages;
      sender_->flush();
    }
  }

  base::UniqueFd epoll_;
  base::UniqueFd peer_;
  base::Ref<SocketSender> sender_;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(1 << 18);
};

TEST_F(SocketSenderTest, PiecesMakeOneMessage) {
  const std::byte bytes[] = {std::byte{1}, std::byte{2}, std::byte{3}};
  const std::span<const std::byte> all(bytes);
  EXPECT_EQ(sender_->send({.head = all.first(1), .tail = all.subspan(1)}), 0);
  EXPECT_EQ(receive(), 3u);
  EXPECT_EQ(buffer_[2], std::byte{3});
}

TEST_F(SocketSenderTest, WhatIsQueuedFollowsInOrderOnceThePeerReads) {
  fill();
  EXPECT_FALSE(reported()) << "the peer has read nothing";
  size_t next = 0;
  while (next < 20) {
    while (const auto got = receive()) {
      EXPECT_EQ(*got, kLarge);
      EXPECT_EQ(buffer_[0], std::byte{static_cast<uint8_t>(next++)});
    }
    if (next == 20) break;
    ASSERT_TRUE(reported());
    EXPECT_FALSE(reported()) << "one report";
    sender_->flush();
  }
  EXPECT_FALSE(reported()) << "an idle socket is not reported";
}

TEST_F(SocketSenderTest, TooManyBytesEndTheConnection) {
  for (int i = 0; i < 200; ++i) send(kLarge);
  EXPECT_TRUE(sender_->aborted());
  EXPECT_LT(drain(), 20u) << "the queue is dropped";
  EXPECT_EQ(receive(), 0u);
}

TEST_F(SocketSenderTest, TooManyMessagesEndTheConnection) {
  fill();
  for (size_t i = 0; i < SocketSender::kMaxMessages - 20; ++i) send(1);
  EXPECT_FALSE(sender_->aborted());
  for (size_t i = 0; i < 21; ++i) send(1);
  EXPECT_TRUE(sender_->aborted());
}

TEST_F(SocketSenderTest, TooManyQueuedDescriptorsEndTheConnectionAndAreClosed) {
  fill();
  const int lowest = dup(epoll_.get());
  close(lowest);
  for (size_t i = 0; i < SocketSender::kMaxDescriptors; ++i) send_descriptor();
  EXPECT_FALSE(sender_->aborted());
  send_descriptor();
  EXPECT_TRUE(sender_->aborted());
  const base::UniqueFd now(dup(epoll_.get()));
  EXPECT_EQ(now.get(), lowest);
}

TEST_F(SocketSenderTest, ADescriptorIsClosedOnceItIsSent) {
  const int lowest = dup(epoll_.get());
  close(lowest);
  send_descriptor();
  base::UniqueFd now(dup(epoll_.get()));
  EXPECT_EQ(now.get(), lowest);
  now.reset();
  fill();
  send_descriptor();
  EXPECT_EQ(drain(), 22u);
  now.reset(dup(epoll_.get()));
  EXPECT_EQ(now.get(), lowest);
}

TEST_F(SocketSenderTest, AnAnswerMayOvertakeItsCall) {
  const std::byte byte{};
  sender_->answer(5, {.head = {&byte, 1}});
  sender_->add_pending(5);
  EXPECT_FALSE(sender_->is_pending(5));
  sender_->add_pending(5);
  EXPECT_TRUE(sender_->is_pending(5));
  sender_->answer(5, {.head = {&byte, 1}});
  EXPECT_FALSE(sender_->is_pending(5));
  EXPECT_EQ(drain(), 2u);
}

TEST_F(SocketSenderTest, AfterTheEndMessagesVanish) {
  sender_->close();
  send(1);
  sender_->flush();
  sender_->abort();
  EXPECT_EQ(receive(), 0u);
}

TEST_F(SocketSenderTest, APeerThatIsGoneEndsTheConnection) {
  peer_.reset();
  send(1);
  EXPECT_TRUE(sender_->aborted());
}

TEST_F(SocketSenderTest, AFullSocketThatIsClosedIsNotReportedAnyMore) {
  fill();
  const base::UniqueFd keeps_it_open(dup(peer_.get()));
  sender_->close();
  peer_.reset();
  EXPECT_FALSE(reported());
}

}  // namespace
}  // namespace fakegpu::cuse_dev
