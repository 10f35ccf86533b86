// SPDX-License-Identifier: Apache-2.0
package bulwark.cluster;

import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

/** Calls ports of the application as a stranger would, who knows no secret, and says how it was met. */
final class Probe {
  /** A look that takes longer has failed; JVMs that just started on a busy machine need some of it. */
  private static final int LIMIT_MILLIS = 60_000;
  private static final int LONGEST_ANSWER = 1 << 20;
  private static final int RPC_REQUEST = 3;
  private static final int RPC_FAILURE = 5;
  private static final int HEAD_BYTES = 21;
  private static final int BODY_BYTES = 24;

  /**
   * @param refused whether the stranger got nothing but a refusal
   * @param seen how, in words
   */
  record Answer(boolean refused, String seen) {}

  private Probe() {}

  /** A port of Spark under the profile aes-gcm: it closes the connection of a caller it does not know. */
  static Answer plain(String host, int port) throws IOException {
    try (Socket socket = connect(host, port)) {
      return ask(socket, "");
    }
  }

  /** A port of Spark under the profile tls: TLS 1.3, and within it an answer to nobody without the secret. */
  static Answer tls(String host, int port) throws IOException {
    try (Socket raw = connect(host, port);
        SSLSocket socket = handshake(raw, host, port)) {
      String protection = protectionOf(socket.getSession());
      Answer answer = ask(socket, protection);
      return isStrong(socket.getSession()) ? answer : new Answer(false, protection);
    }
  }

  /** A page of the UI, without the token. Not of the REST API: whoever calls it first waits until Jersey has started. */
  static Answer ui(String host, int port) throws IOException {
    try (Socket raw = connect(host, port);
        SSLSocket socket = handshake(raw, host, port)) {
      String request = "GET /jobs/ HTTP/1.0\r\nHost: " + host + "\r\n\r\n";
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      String status = new String(socket.getInputStream().readNBytes(12), StandardCharsets.US_ASCII);
      boolean refused = status.endsWith(" 401") && isStrong(socket.getSession());
      return new Answer(refused, protectionOf(socket.getSession()) + "; without token: " + status);
    }
  }

  private static Socket connect(String host, int port) throws IOException {
    Socket socket = new Socket();
    socket.setSoTimeout(LIMIT_MILLIS);
    socket.connect(new InetSocketAddress(host, port), LIMIT_MILLIS);
    return socket;
  }

  /**
   * Spark's frame (MessageEncoder, RpcRequest): length of all, type, request id, length of the body, body. The body is
   * zeros: one that begins with 0xEA or 0xFB Spark would take for the first step of an authentication (SaslMessage,
   * AuthMessage), and refuse in other words.
   */
  private static Answer ask(Socket socket, String protection) throws IOException {
    byte[] body = new byte[BODY_BYTES];
    ByteBuffer frame = ByteBuffer.allocate(HEAD_BYTES + body.length);
    frame.putLong(frame.capacity()).put((byte) RPC_REQUEST).putLong(1).putInt(body.length).put(body);
    String how = protection.isEmpty() ? "" : protection + "; ";
    try {
      socket.getOutputStream().write(frame.array());
      DataInputStream in = new DataInputStream(socket.getInputStream());
      long length = in.readLong();
      if (in.readByte() != RPC_FAILURE || length > LONGEST_ANSWER) {
        return new Answer(false, how + "answered");
      }
      in.skipNBytes(HEAD_BYTES - Long.BYTES - 1);
      String reason = new String(in.readNBytes((int) length - HEAD_BYTES), StandardCharsets.UTF_8);
      // Under TLS Spark says what it expected, and leaves the connection to the caller; the AES engine closes it.
      boolean refused = protection.isEmpty() ? in.read() == -1 : reason.contains("SaslMessage");
      return new Answer(refused, how + (refused ? "refused" : "answered: " + reason.lines().findFirst().orElse("")));
    } catch (SocketTimeoutException silent) {
      return new Answer(false, how + "no answer in time");
    } catch (IOException closed) {
      return new Answer(true, how + "closed");
    }
  }

  private static boolean isStrong(SSLSession session) {
    return session.getProtocol().equals("TLSv1.3") && session.getCipherSuite().contains("GCM");
  }

  private static String protectionOf(SSLSession session) {
    return session.getProtocol() + " " + session.getCipherSuite();
  }

  // A stranger trusts anybody: what is looked at is whom the port trusts.
  private static SSLSocket handshake(Socket socket, String host, int port) throws IOException {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, new TrustManager[] {new Stranger()}, new SecureRandom());
      SSLSocket tls = (SSLSocket) context.getSocketFactory().createSocket(socket, host, port, true);
      tls.startHandshake();
      return tls;
    } catch (GeneralSecurityException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private static final class Stranger implements X509TrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
