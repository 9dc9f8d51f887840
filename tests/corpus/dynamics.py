"""Ordinary differential equations and many bodies."""

import numpy as np


def n_body(position, velocity, mass):
    def acceleration(position):
        delta = position[None, :, :] - position[:, None, :]
        distance = np.sqrt(np.sum(delta**2, axis=-1) + 0.01)
        return np.sum(mass[None, :, None] * delta / distance[..., None] ** 3, axis=1)

    dt, a = 0.01, acceleration(position)
    energy = np.zeros(10)
    for step in range(10):
        velocity = velocity + 0.5 * dt * a
        position = position + dt * velocity
        a = acceleration(position)
        velocity = velocity + 0.5 * dt * a
        energy[step] = 0.5 * np.sum(mass * np.sum(velocity**2, axis=1))
    return position, energy


def n_body_arguments(rng):
    return rng.standard_normal((12, 3)), rng.standard_normal((12, 3)), rng.random(12)


def n_body_loops(position, mass):
    n = len(mass)
    force = np.zeros_like(position)
    for i in range(n):
        for j in range(n):
            if i != j:
                d = position[j] - position[i]
                force[i] += mass[i] * mass[j] * d / (np.dot(d, d) + 0.1) ** 1.5
    return force


def n_body_loops_arguments(rng):
    return rng.standard_normal((6, 2)), rng.random(6)


def lorenz_rk4(state, sigma, rho, beta):
    def slope(s):
        x, y, z = s
        return np.array([sigma * (y - x), x * (rho - z) - y, x * y - beta * z])

    path = [state]
    for _ in range(25):
        s, h = path[-1], 0.01
        k1 = slope(s)
        k2 = slope(s + h / 2 * k1)
        k3 = slope(s + h / 2 * k2)
        k4 = slope(s + h * k3)
        path.append(s + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4))
    return np.array(path)


def lorenz_rk4_arguments(rng):
    return rng.standard_normal(3), 10.0, 28.0, 8 / 3


def pendulum_verlet(angle, speed, length):
    g, dt = 9.81, 0.02
    angles = np.empty(50)
    for k in range(50):
        speed -= 0.5 * dt * g / length * np.sin(angle)
        angle += dt * speed
        speed -= 0.5 * dt * g / length * np.sin(angle)
        angles[k] = angle
    return angles


def pendulum_verlet_arguments(rng):
    return np.array(0.7), np.array(0.1), np.array(1.3)


def lotka_volterra_heun(y, rates):
    def slope(y):
        a, b, c, d = rates
        return np.stack([y[0] * (a - b * y[1]), -y[1] * (c - d * y[0])])

    result = np.zeros((30, 2))
    for i in range(30):
        k = slope(y)
        y = y + 0.025 * (k + slope(y + 0.05 * k))
        result[i] = y
    return result


def lotka_volterra_heun_arguments(rng):
    return np.array([1.0, 0.5]), np.array([1.1, 0.4, 0.4, 0.1])


def double_pendulum(theta, omega):
    for _ in range(15):
        delta = theta[0] - theta[1]
        below = 3 - np.cos(2 * delta)
        a0 = (-3 * 9.8 * np.sin(theta[0]) - 9.8 * np.sin(theta[0] - 2 * theta[1])
              - 2 * np.sin(delta) * (omega[1] ** 2 + omega[0] ** 2 * np.cos(delta))) / below  # fmt: skip
        a1 = (2 * np.sin(delta) * (2 * omega[0] ** 2 + 19.6 * np.cos(theta[0])
              + omega[1] ** 2 * np.cos(delta))) / below  # fmt: skip
        omega = omega + 0.01 * np.array([a0, a1])
        theta = theta + 0.01 * omega
    return theta


def double_pendulum_arguments(rng):
    return np.array([1.2, -0.4]), np.array([0.1, 0.2])


def spring_chain(x, v, stiffness):
    damping = 0.1
    for _ in range(20):
        stretch = np.diff(x) - 1.0
        pull = stiffness * stretch
        force = np.zeros_like(x)
        force[:-1] += pull
        force[1:] -= pull
        force -= damping * v
        v += 0.05 * force
        x += 0.05 * v
    return x


def spring_chain_arguments(rng):
    n = 10
    return np.arange(n) + 0.1 * rng.standard_normal(n), np.zeros(n), 1 + rng.random(n - 1)


def sir_epidemic(beta, gamma, start):
    history = {"s": [], "i": [], "r": []}
    s, i, r = start
    for _ in range(40):
        infected, recovered = beta * s * i, gamma * i
        s, i, r = s - infected, i + infected - recovered, r + recovered
        for name, value in (("s", s), ("i", i), ("r", r)):
            history[name].append(value)
    return {name: np.array(values) for name, values in history.items()}


def sir_epidemic_arguments(rng):
    return np.array(0.4), np.array(0.1), np.array([0.99, 0.01, 0.0])


def kepler_orbit(mean_anomaly, eccentricity):
    """Newton's method for Kepler's equation, all angles at once."""
    E = mean_anomaly.copy()
    for _ in range(8):
        E -= (E - eccentricity * np.sin(E) - mean_anomaly) / (1 - eccentricity * np.cos(E))
    r = 1 - eccentricity * np.cos(E)
    return np.column_stack([np.cos(E) - eccentricity, np.sqrt(1 - eccentricity**2) * np.sin(E), r])


def kepler_orbit_arguments(rng):
    return rng.uniform(0, 6, 40), np.array(0.3)


def molecular_dynamics(x, box):
    """Lennard-Jones forces with the minimum image convention and a cut-off."""
    delta = x[:, None] - x[None, :]
    delta -= box * np.round(delta / box)
    r2 = np.sum(delta**2, -1)
    np.fill_diagonal(r2, 1.0)
    near = r2 < 2.5**2
    inverse = np.where(near, 1.0 / r2, 0.0) ** 3
    np.fill_diagonal(inverse, 0.0)
    energy = 2 * np.sum(inverse**2 - inverse)
    force = np.sum((48 * inverse**2 - 24 * inverse)[..., None] * delta / r2[..., None], axis=1)
    return energy, force


def molecular_dynamics_arguments(rng):
    grid = np.stack(np.meshgrid(*[np.arange(3.0)] * 3), -1).reshape(-1, 3) * 1.3
    return grid + 0.05 * rng.standard_normal(grid.shape), 4.0


def boids(position, velocity):
    for _ in range(3):
        gap = position[:, None] - position[None]
        distance = np.linalg.norm(gap + 1e-9, axis=-1)
        near = (distance < 1.5) & (distance > 1e-6)
        count = np.maximum(near.sum(axis=1), 1)[:, None]
        centre = (near[..., None] * position[None]).sum(1) / count
        heading = (near[..., None] * velocity[None]).sum(1) / count
        away = (gap * (near / (distance**2 + 0.1))[..., None]).sum(1)
        velocity = velocity + 0.01 * (centre - position) + 0.1 * (heading - velocity) + 0.05 * away
        position = position + 0.1 * velocity
    return position, velocity


def boids_arguments(rng):
    return rng.standard_normal((15, 2)), rng.standard_normal((15, 2))
