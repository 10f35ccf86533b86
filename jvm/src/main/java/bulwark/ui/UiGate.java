// SPDX-License-Identifier: Apache-2.0
package bulwark.ui;

import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.Cookie;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;

/**
 * Lets only holders of the token into Spark's UI and REST API. A program sends {@code Authorization: Bearer TOKEN}; a
 * browser opens {@code ?token=TOKEN} once and gets a cookie, so that the token does not stay in its address bar.
 *
 * <p>Spark's own JWSFilter reads its key from a Spark setting and takes no cookie; this one keeps the token in memory.
 */
public final class UiGate implements Filter {
  private static final String PARAMETER = "token";
  private static final String BEARER = "Bearer ";
  private static final int UNAUTHORIZED = HttpServletResponse.SC_UNAUTHORIZED;
  /** The cookie's name carries the port: browsers share cookies between the ports of a host. */
  private static final String COOKIE = "bulwark-ui-";

  private static volatile byte[] accepted;

  /** Sets the one token that opens the UI of this process. */
  public static void accept(String token) {
    accepted = token.getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public void doFilter(ServletRequest plainRequest, ServletResponse plainResponse, FilterChain chain)
      throws IOException, ServletException {
    HttpServletRequest request = (HttpServletRequest) plainRequest;
    HttpServletResponse response = (HttpServletResponse) plainResponse;
    String cookieName = COOKIE + request.getServerPort();
    if (isAccepted(bearer(request)) || isAccepted(cookie(request, cookieName))) {
      chain.doFilter(request, response);
    } else if ("GET".equals(request.getMethod()) && isAccepted(request.getParameter(PARAMETER))) {
      response.addHeader(
          "Set-Cookie",
          cookieName + "=" + request.getParameter(PARAMETER) + "; Path=/; Secure; HttpOnly; SameSite=Strict");
      response.setHeader("Referrer-Policy", "no-referrer");
      response.sendRedirect(request.getRequestURI());
    } else {
      response.sendError(UNAUTHORIZED, "Open this page with: bulwark ui");
    }
  }

  private static boolean isAccepted(String token) {
    byte[] expected = accepted;
    return expected != null
        && token != null
        && MessageDigest.isEqual(expected, token.getBytes(StandardCharsets.UTF_8));
  }

  private static String bearer(HttpServletRequest request) {
    String header = request.getHeader("Authorization");
    return header != null && header.startsWith(BEARER) ? header.substring(BEARER.length()) : null;
  }

  private static String cookie(HttpServletRequest request, String name) {
    Cookie[] cookies = request.getCookies();
    if (cookies != null) {
      for (Cookie cookie : cookies) {
        if (name.equals(cookie.getName())) {
          return cookie.getValue();
        }
      }
    }
    return null;
  }
}
