// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import redis.clients.jedis.ClientSetInfoConfig;
import redis.clients.jedis.CommandArguments;
import redis.clients.jedis.Connection;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.commands.ProtocolCommand;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.exceptions.JedisNoScriptException;

/**
 * One connection to Redis, for one thread: commands in, answers out as RESP2 gives them (byte strings, numbers, lists,
 * null). Nothing is queued while it is away and nothing sent twice; the call after a failure dials again.
 */
final class RedisLink implements AutoCloseable {
  private static final Set<String> LOOPBACK = Set.of("127.0.0.1", "[::1]", "localhost");
  private static final int DEFAULT_PORT = 6379;

  private final HostAndPort address;
  private final DefaultJedisClientConfig config;
  private volatile Connection connection;

  /** Nothing is dialled yet. Throws SERVING_CONFIG, KEYRING_UNSAFE. */
  RedisLink(Settings.Redis redis) throws Refusal {
    URI url = parse(redis.url);
    boolean isSecure = url.getScheme().equals("rediss");
    if (!isSecure && !LOOPBACK.contains(url.getHost())) {
      String message = "Records would go to " + url.getHost() + " in the clear.";
      throw new Refusal("SERVING_CONFIG", message, "use rediss:// and an authority's certificate");
    }
    String host = url.getHost().replaceAll("^\\[|\\]$", "");
    address = new HostAndPort(host, url.getPort() < 0 ? DEFAULT_PORT : url.getPort());
    DefaultJedisClientConfig.Builder builder =
        DefaultJedisClientConfig.builder()
            .protocol(RedisProtocol.RESP2)
            .clientSetInfoConfig(ClientSetInfoConfig.DISABLED)
            .connectionTimeoutMillis(redis.timeoutMs)
            .socketTimeoutMillis(redis.timeoutMs);
    if (redis.user != null) builder.user(redis.user);
    if (redis.passwordFile != null) builder.password(RedisTls.readSecret(redis.passwordFile).trim());
    if (isSecure) {
      SSLParameters parameters = new SSLParameters();
      parameters.setProtocols(new String[] {"TLSv1.3", "TLSv1.2"});
      // The name or address that was dialled must be in the certificate.
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
      useTls(builder, RedisTls.open(redis), parameters);
    }
    config = builder.build();
  }

  /** Sends one command. Throws QUEUE_UNREACHABLE when there was no answer; Redis's own refusals as `RedisAnswer`. */
  Object send(String command, Object... arguments) throws Refusal {
    return execute(new CommandArguments(named(command)), arguments);
  }

  /** Runs a Lua step by its digest, or by its text where Redis does not know it yet. */
  Object run(Script script, List<String> keys, List<Object> arguments) throws Refusal {
    List<Object> rest = new ArrayList<>(keys.size() + arguments.size() + 2);
    rest.add(script.sha1());
    rest.add(keys.size());
    rest.addAll(keys);
    rest.addAll(arguments);
    try {
      return execute(new CommandArguments(named("EVALSHA")), rest.toArray());
    } catch (RedisAnswer answer) {
      if (!answer.begins("NOSCRIPT")) throw answer;
    }
    rest.set(0, script.text());
    return execute(new CommandArguments(named("EVAL")), rest.toArray());
  }

  private Object execute(CommandArguments command, Object[] arguments) throws Refusal {
    for (Object argument : arguments) command.add(toBytes(argument));
    Connection open = null;
    try {
      open = dial();
      return open.executeCommand(command);
    } catch (JedisNoScriptException answer) {
      throw new RedisAnswer("NOSCRIPT");
    } catch (JedisConnectionException cause) {
      hangUp(open);
      throw new Refusal("QUEUE_UNREACHABLE", "Redis does not answer.", "start Redis, or correct redis.url", cause);
    } catch (JedisDataException cause) {
      throw new RedisAnswer(cause.getMessage());
    } catch (JedisException cause) {
      hangUp(open);
      throw new Refusal("QUEUE_UNREACHABLE", "Redis refused the connection.", "check user and certificates", cause);
    }
  }

  private Connection dial() {
    Connection open = connection;
    if (open == null || open.isBroken()) {
      open = new Connection(address, config);
      connection = open;
    }
    return open;
  }

  private void hangUp(Connection open) {
    connection = null;
    if (open == null) return;
    try {
      open.close();
    } catch (JedisException ignored) {
      // It was broken already.
    }
  }

  /** Breaks a command that waits in another thread, too. */
  @Override
  public void close() {
    Connection open = connection;
    if (open != null) hangUp(open);
  }

  /** What Jedis wants instead takes stores of Java alone, and no keys that were read already. */
  @SuppressWarnings("deprecation")
  private static void useTls(DefaultJedisClientConfig.Builder builder, SSLContext tls, SSLParameters parameters) {
    builder.ssl(true).sslSocketFactory(tls.getSocketFactory()).sslParameters(parameters);
  }

  private static URI parse(String text) throws Refusal {
    try {
      URI url = URI.create(text);
      boolean isRedis = "redis".equals(url.getScheme()) || "rediss".equals(url.getScheme());
      if (isRedis && url.getHost() != null && url.getUserInfo() == null) return url;
    } catch (IllegalArgumentException malformed) {
      // Told below, without the text: it might hold a password.
    }
    String mend = "use rediss://HOST:PORT; user and password have settings of their own";
    throw new Refusal("SERVING_CONFIG", "The address of Redis cannot be read.", mend);
  }

  private static ProtocolCommand named(String command) {
    byte[] raw = command.getBytes(StandardCharsets.US_ASCII);
    return () -> raw;
  }

  private static byte[] toBytes(Object argument) {
    return argument instanceof byte[] raw ? raw : String.valueOf(argument).getBytes(StandardCharsets.UTF_8);
  }

  /** Redis understood and refused. */
  static final class RedisAnswer extends RuntimeException {
    private static final long serialVersionUID = 1L;

    RedisAnswer(String message) {
      super(message);
    }

    boolean begins(String code) {
      return getMessage() != null && getMessage().startsWith(code);
    }
  }
}
